"""The cursors of lists of jobs: the end of a page. A cursor fits only the list that it came from."""

import re

from jobs.adapters.job_store import Position
from jobs.domain.job import JobStatus
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor

_JOB_ID = re.compile(r"job_[0-9a-f]{32}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_ALL = "all"


def cursor_of(position: Position, status: JobStatus | None) -> str:
    """The cursor behind `position` in the list of the jobs in `status` (None: in any)."""
    return encode_cursor({**position, "list": status.value if status else _ALL})


def position_in(cursor: str, status: JobStatus | None) -> Position:
    """The position in `cursor`; raises InvalidCursor if it cannot come from this list."""
    read = decode_cursor(cursor, fields={"pk", "created_at", "list"})
    if read.pop("list") != (status.value if status else _ALL):
        raise InvalidCursor
    # DynamoDB refuses malformed keys (too long ones, for example) with an error that the API would answer with 500.
    if not (_JOB_ID.fullmatch(read["pk"]) and _MOMENT.fullmatch(read["created_at"])):
        raise InvalidCursor
    return read
