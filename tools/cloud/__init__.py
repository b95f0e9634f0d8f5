"""The embedded cloud: AWS on this machine, without Docker and without an account."""
