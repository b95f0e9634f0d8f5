"""The cursors of the list of all stock and of a sku's ledger: the end of a page."""

import re

from inventory.domain.movement_request import is_sku
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor

# A time and a movement id, as in Movement.place.
_PLACE = re.compile(r"[0-9T:.Z-]{1,32}#[A-Za-z0-9_-]{1,64}")


def cursor_of_listing(sku: str) -> str:
    """The cursor behind `sku` in the list of all stock."""
    return encode_cursor({"sku": sku})


def sku_in(cursor: str) -> str:
    """The sku in a cursor of the list of all stock; raises InvalidCursor if it cannot come from that list."""
    sku = decode_cursor(cursor, fields={"sku"})["sku"]
    if not is_sku(sku):
        raise InvalidCursor
    return sku


def cursor_of_ledger(place: str) -> str:
    """The cursor behind `place` in a sku's ledger."""
    return encode_cursor({"place": place})


def place_in(cursor: str) -> str:
    """The place in a cursor of a ledger; raises InvalidCursor if it cannot come from one."""
    place = decode_cursor(cursor, fields={"place"})["place"]
    if not _PLACE.fullmatch(place):
        raise InvalidCursor
    return place
