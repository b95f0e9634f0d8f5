"""Where a page of jobs ended, as a cursor that fits the list it was handed out for and no other."""

import re

from jobs.adapters.job_store import Position
from jobs.domain.job import JobStatus
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor

_JOB_ID = re.compile(r"job_[0-9a-f]{32}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_ALL = "all"


def cursor_of(position: Position, status: JobStatus | None) -> str:
    """The cursor of what follows `position` in the list of the jobs in `status` (None: in any)."""
    return encode_cursor({**position, "list": status.value if status else _ALL})


def position_in(cursor: str, status: JobStatus | None) -> Position:
    """The position that `cursor` stands for; raises InvalidCursor unless this same list can have handed it out."""
    read = decode_cursor(cursor, fields={"pk", "created_at", "list"})
    if read.pop("list") != (status.value if status else _ALL):
        raise InvalidCursor
    # DynamoDB refuses keys of another form (over-long ones, for example) as a fault of ours.
    if not (_JOB_ID.fullmatch(read["pk"]) and _MOMENT.fullmatch(read["created_at"])):
        raise InvalidCursor
    return read
