"""The rules of shipments: no AWS, no clock, no I/O."""
