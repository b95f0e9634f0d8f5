"""The rules: no AWS, no clock, no I/O."""
