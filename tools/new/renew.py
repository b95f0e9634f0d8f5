"""`python -m tools.new.renew BEFORE ALLOWED`: renews what is made from code and template, and counts the resources.

It runs in a process of its own, which imports the new code.
"""

import sys

from tools.command_line import run
from tools.contracts.deployed import deployed

_RENEWED = {
    "tools.import_roots": "services",
    "tools.contracts.openapi.command": "openapi",
    "tools.contracts.events.command": "events",
    "tools.data_map.command": "data-map",
}


def main(before: int, allowed: int) -> int:
    """Prints the number of resources last, or why it is too high; returns the exit code."""
    found = len(deployed()["Resources"])
    if found > allowed:
        print(
            f"It takes {found - before} resources, and {max(allowed - before, 0)} of {allowed} are left. "
            "In a fork, raise BUDGET in tools/contracts/deployed.py: CloudFormation takes 500. Or leave a part out. "
            "`make template` says which service takes how many."
        )
        return 1
    for module, command in _RENEWED.items():
        if failed := run([command, "write"], {module: (command,)}, description=__doc__):
            return failed
    if failed := run(["agents"], {"tools.contracts.agents": ("agents",)}, description=__doc__):
        return failed
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
