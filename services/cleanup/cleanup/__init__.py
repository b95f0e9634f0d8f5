"""The daily cleanup: has the owners of data sweep, and writes a summary."""
