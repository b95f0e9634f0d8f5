"""`make scan`: scanners of the template, the code, the workflows and the locked packages.

Each finding is mended, or accepted beside its cause with a reason. An acceptance without a reason fails, and so does
one of a finding that no longer comes. docs/scanners.md lists them all.
"""
