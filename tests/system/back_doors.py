"""The back doors of the embedded cloud: what a test can do there and not on AWS.

A test that needs one is marked `embedded_only` and says why. In every other test the use of a back door fails, also in
the embedded cloud. So a test without the mark works on AWS as well, as far as the use of back doors goes.
A fixture that outlives one test may use no back door, since a test without the mark may use the fixture.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tools.server_record import RECORD
from tools.stack import Stack

MARK = "embedded_only"
# The embedded cloud serves the REST and WebSocket APIs below this path. All else below `/_` is no API of AWS.
_SERVED_APIS = b"/_aws/execute-api/"

reads_mails = pytest.mark.embedded_only("reads the mails that SES sent")
sets_strictness = pytest.mark.embedded_only("sets how strict the embedded cloud is; AWS always is")
ends_processes = pytest.mark.embedded_only("ends the processes in which functions run")


class BackDoorUsed(Exception):
    """A test that is not marked as `embedded_only` used a back door of the embedded cloud."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is a back door of the embedded cloud, which AWS has not. Mark the test with "
            f'@pytest.mark.{MARK}("<why>"), and use the back door in no fixture that outlives the test.'
        )


class StackUnderTest(Stack):
    """A stack that is used as one on AWS; a test that may use back doors also reads the mails that were sent."""

    @property
    def shows_mails(self) -> bool:
        """See Stack."""
        return not self.is_on_aws and _door.is_open

    def sent_mails(self) -> list[dict[str, Any]]:
        """See Stack; raises BackDoorUsed if the test is not marked."""
        if not self.shows_mails:
            raise BackDoorUsed("Reading the mails that SES sent")
        return super().sent_mails()


class _Door:
    """Whether back doors are watched, and may be used, at the moment."""

    is_watched = False
    is_open = False
    is_open_for_good = False


_door = _Door()


@contextmanager
def watched(*, open_for: bool) -> Iterator[None]:
    """Until the end of the block, back doors may be used if `open_for`; otherwise their use raises BackDoorUsed."""
    before = _door.is_watched, _door.is_open
    _door.is_watched, _door.is_open = True, open_for
    try:
        yield
    finally:
        _door.is_watched, _door.is_open = before


def open_for_good() -> None:
    """From now on, any test may use back doors: something beside the tests uses them while they run."""
    _door.is_open_for_good = True


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook of Python (PEP 578): it sees the requests, the files and the servers of any library."""
    if not _door.is_watched or _door.is_open or _door.is_open_for_good:
        return
    match event, arguments:
        case "http.client.send", (_, bytes() as sent):
            path = b" ".join(sent.partition(b"\r\n")[0].split(b" ")[1:2])
            if path.startswith(b"/_") and not path.startswith(_SERVED_APIS):
                raise BackDoorUsed(f"A request to {path.decode()}")
        case "open", (str() as path, *_) if path == str(RECORD):
            raise BackDoorUsed("The server's process")
        case "socket.bind", (_, (str() as host, *_)):
            raise BackDoorUsed(f"A server on {host} that functions call")


sys.addaudithook(_refuse)
