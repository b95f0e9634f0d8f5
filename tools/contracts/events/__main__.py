"""`python -m tools.contracts.events write | release`."""

import argparse
import sys

from tools.contracts.events.catalogue import PAGE, catalogue
from tools.contracts.events.contracts import SCHEMAS, contracts, written
from tools.contracts.events.release import RELEASED, BreakingContract, release
from tools.settings import REPOSITORY


def write() -> None:
    """Renews the schemas and the catalogue from the payload classes; takes away the schemas of what is gone."""
    known = {contract.file_name: contract for contract in contracts()}
    SCHEMAS.mkdir(exist_ok=True)
    for stale in {path.name for path in SCHEMAS.glob("*.json")} - known.keys():
        (SCHEMAS / stale).unlink()
    for name, contract in known.items():
        (SCHEMAS / name).write_text(written(contract.schema()), encoding="utf-8")
    PAGE.write_text(catalogue(), encoding="utf-8")
    print(f"{SCHEMAS.relative_to(REPOSITORY)}/ ({len(known)} schemas)\n{PAGE.relative_to(REPOSITORY)}")


def release_current() -> None:
    """Renews both, and makes the contracts those that later versions are compared with."""
    write()
    release()
    print(RELEASED.relative_to(REPOSITORY))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.contracts.events", description=__doc__)
    commands = {"write": write, "release": release_current}
    parser.add_argument("command", choices=commands)
    try:
        commands[parser.parse_args().command]()
    except BreakingContract as refused:
        sys.exit(f"{type(refused).__name__}: {refused}")


if __name__ == "__main__":
    main()
