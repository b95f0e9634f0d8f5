"""`python -m tools.new.count [BEFORE ALLOWED]`: the template's resources; fails if there are more than ALLOWED."""

import sys

from tools.contracts.deployed import deployed


def main(arguments: list[str]) -> int:
    """Prints the number, or why it is too high; returns the exit code."""
    found = len(deployed()["Resources"])
    if arguments and found > int(arguments[1]):
        before, allowed = map(int, arguments)
        print(
            f"It takes {found - before} resources, and {max(allowed - before, 0)} of {allowed} are left. "
            "Leave a part out, or set BEYOND_BUDGET=yes. `make template` says which service takes how many."
        )
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
