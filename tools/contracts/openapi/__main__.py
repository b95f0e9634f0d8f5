"""`python -m tools.contracts.openapi write | release`."""

import argparse
import sys

from tools.contracts.openapi.authorization import TABLE, authorization_table
from tools.contracts.openapi.document import (
    DOCUMENT,
    NotDescribed,
    OperationIdTaken,
    openapi_document,
    public_apis,
    written,
)
from tools.contracts.openapi.release import RELEASED, BreakingRelease, ReleasedAlready, release
from tools.settings import REPOSITORY


def write() -> None:
    """Renews the document and the authorization matrix from the routes."""
    document = openapi_document(public_apis())
    for path, text in ((DOCUMENT, written(document)), (TABLE, authorization_table(document))):
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))


def release_current() -> None:
    """Renews both, and makes the document the one that later versions are compared with."""
    write()
    release(openapi_document(public_apis()))
    print(RELEASED.relative_to(REPOSITORY))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.contracts.openapi", description=__doc__)
    commands = {"write": write, "release": release_current}
    parser.add_argument("command", choices=commands)
    try:
        commands[parser.parse_args().command]()
    except (BreakingRelease, NotDescribed, OperationIdTaken, ReleasedAlready) as refused:
        sys.exit(f"{type(refused).__name__}: {refused}")


if __name__ == "__main__":
    main()
