"""The permissions of each function and state machine, and their use while the system's tests run."""
