"""`python -m tools.cloud.sam_local <command> [options]`: runs `sam local <command>` against the running embedded cloud.

For example `python -m tools.cloud.sam_local start-api` or
`python -m tools.cloud.sam_local invoke OrdersApiFunction --event events/orders_api.json`.
"""

import os
import sys

from tools.cloud.sam_local.emulator import run
from tools.cloud.sam_local.engine import EngineUnavailable
from tools.console import StepError, fail
from tools.stack import Stack


def main(arguments: list[str]) -> int:
    """Runs it; the exit code to end with: sam's own, or EX_UNAVAILABLE (69) where Docker cannot run."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return 0 if arguments else os.EX_USAGE
    try:
        return run(Stack.current(), arguments)
    except EngineUnavailable as reason:
        print(f"\n`sam local` cannot run here. {reason}", file=sys.stderr)
        return os.EX_UNAVAILABLE
    except StepError as error:
        return fail(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
