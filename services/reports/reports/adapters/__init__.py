"""The only code of the service that talks to AWS or reads files."""
