"""The rules of payments: no AWS, no clock, no I/O."""
