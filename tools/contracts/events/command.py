"""`make events` and `make events-release`."""

import argparse

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.contracts.events.catalogue import PAGE, catalogue
from tools.contracts.events.contracts import SCHEMAS, contracts, written
from tools.contracts.events.release import RELEASED, BreakingContract, release
from tools.settings import REPOSITORY


def register(subcommands: Subcommands) -> None:
    """Registers `events`."""
    parser = add_command(
        subcommands, "events", _events, description="renew or release the events' schemas and their catalogue"
    )
    parser.add_argument(
        "action",
        choices=("write", "release"),
        help="write: renew the schemas and the catalogue from the payload classes; "
        "release: also make them the schemas that later versions may not break",
    )


def _events(arguments: argparse.Namespace) -> None:
    write()
    if arguments.action == "release":
        try:
            release()
        except BreakingContract as error:
            raise StepError("The events are not released.", str(error)) from error
        print(RELEASED.relative_to(REPOSITORY))


def write() -> None:
    """Renews the schemas and the catalogue from the payload classes; removes the schemas of dropped events."""
    known = {contract.file_name: contract for contract in contracts()}
    SCHEMAS.mkdir(exist_ok=True)
    for stale in {path.name for path in SCHEMAS.glob("*.json")} - known.keys():
        (SCHEMAS / stale).unlink()
    for name, contract in known.items():
        (SCHEMAS / name).write_text(written(contract.schema()), encoding="utf-8")
    PAGE.write_text(catalogue(), encoding="utf-8")
    print(f"{SCHEMAS.relative_to(REPOSITORY)}/ ({len(known)} schemas)\n{PAGE.relative_to(REPOSITORY)}")
