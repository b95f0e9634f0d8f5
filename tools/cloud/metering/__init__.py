"""Records what AWS would bill of the embedded cloud's work, on request; `tools/bill` counts and prices.

`tools/cloud/run_ministack.py` calls the `install` of each recorder here, in the server's own Python. That has MiniStack
and no code of ours but this folder's. So these modules import each other relatively, and nothing else of the project.

`PUT /_cartwright/metering` begins a recording, `GET` shows it so far as JSON lines, and `DELETE` ends it.
Each line is one fact with its `kind`; the module that records a kind describes it. Nothing is recorded, or copied,
while it is off.
"""
