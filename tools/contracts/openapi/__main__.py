"""`python -m tools.contracts.openapi` is `python -m tools openapi`."""

import sys

from tools.command_line import run

sys.exit(
    run(["openapi", *sys.argv[1:]], {"tools.contracts.openapi.command": ("openapi",)}, description=__doc__)
)
