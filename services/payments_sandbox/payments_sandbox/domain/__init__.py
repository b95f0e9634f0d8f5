"""The rules of the sandbox provider: no AWS, no clock, no I/O."""
