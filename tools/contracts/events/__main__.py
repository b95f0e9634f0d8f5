"""`python -m tools.contracts.events` is `python -m tools events`."""

import sys

from tools.command_line import run

sys.exit(run(["events", *sys.argv[1:]], {"tools.contracts.events.command": ("events",)}, description=__doc__))
