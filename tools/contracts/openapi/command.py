"""`make openapi` and `make openapi-release`."""

import argparse

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.contracts.openapi.authorization import TABLE, authorization_table
from tools.contracts.openapi.document import (
    DOCUMENT,
    OperationIdTaken,
    openapi_document,
    public_apis,
    written,
)
from tools.contracts.openapi.release import RELEASED, BreakingRelease, ReleasedAlready, release
from tools.contracts.openapi.service_part import NotDescribed
from tools.settings import REPOSITORY


def register(subcommands: Subcommands) -> None:
    """Registers `openapi`."""
    parser = add_command(
        subcommands, "openapi", _openapi, description="renew or release the OpenAPI document, from the routes"
    )
    parser.add_argument(
        "action",
        choices=("write", "release"),
        help="write: renew the document and the authorization matrix; "
        "release: also make it the document that later versions may not break",
    )


def _openapi(arguments: argparse.Namespace) -> None:
    try:
        document = openapi_document(public_apis())
        for path, text in ((DOCUMENT, written(document)), (TABLE, authorization_table(document))):
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(REPOSITORY))
        if arguments.action == "release":
            release(document)
            print(RELEASED.relative_to(REPOSITORY))
    except NotDescribed as error:
        raise StepError(f"{error}.", "Describe it, and try again.") from error
    except OperationIdTaken as error:
        raise StepError(
            f"Two routes' functions are named {error}.", "Rename one: the name is the operation's id."
        ) from error
    except (BreakingRelease, ReleasedAlready) as error:
        raise StepError("The document is not released.", str(error)) from error
