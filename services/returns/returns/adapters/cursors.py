"""Cursors: the position at which a page ended, for the list that it was handed out for and no other."""

import hashlib
import re

from returns.adapters.return_store import Position
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor

# An order and its time, or a return, its time and its order.
_POSITION = re.compile(
    r"ord_[\w-]{1,64} [0-9T:.Z-]{1,32}|ret_[\w-]{1,64} [0-9T:.Z-]{1,32}#ord_[\w-]{1,64}", re.ASCII
)


def cursor_of(position: Position, listed: str) -> str:
    """The cursor that goes on after `position` in the list of this customer, or of this status."""
    return encode_cursor({**position, "list": _name_of(listed)})


def position_in(cursor: str, listed: str) -> Position:
    """The position that `cursor` stands for; raises InvalidCursor if it belongs to another list or is malformed."""
    read = decode_cursor(cursor, fields={"pk", "place", "list"})
    if read.pop("list") != _name_of(listed):
        raise InvalidCursor
    # DynamoDB would refuse keys of another form, over-long ones for example, with an error.
    if not _POSITION.fullmatch(f"{read['pk']} {read['place']}"):
        raise InvalidCursor
    return read


def _name_of(listed: str) -> str:
    return hashlib.sha256(listed.encode()).hexdigest()[:16]
