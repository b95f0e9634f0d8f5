"""The rules of the cleanup: its runs, and no AWS."""
