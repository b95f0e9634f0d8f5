"""Cursors: the position at which a page of orders ended, for the list that it was handed out for and no other.

A cursor says `pk` for the order's id, as those do that clients already have.
"""

import hashlib
import re

from orders.adapters.order_store import Position
from orders.domain.status import OrderStatus
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor

_ORDER_ID = re.compile(r"ord_[0-9a-f]{32}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def cursor_of(position: Position, customer_id: str, status: OrderStatus | None) -> str:
    """The cursor that goes on after `position` in the list of the customer's orders in `status` (None: in any)."""
    return encode_cursor({**position, "list": _name_of_list(customer_id, status)})


def position_in(cursor: str, customer_id: str, status: OrderStatus | None) -> Position:
    """The position that `cursor` stands for; raises InvalidCursor if it belongs to another list or is malformed."""
    read = decode_cursor(cursor, fields={"pk", "placed_at", "list"})
    if read.pop("list") != _name_of_list(customer_id, status):
        raise InvalidCursor
    # DynamoDB would refuse keys of another form, over-long ones for example, with an error.
    if not (_ORDER_ID.fullmatch(read["pk"]) and _MOMENT.fullmatch(read["placed_at"])):
        raise InvalidCursor
    return read


def cursor_of_day(placement: str, day: str, status: OrderStatus | None) -> str:
    """The cursor that goes on before `placement` in the list of the day's orders in `status` (None: in any)."""
    return encode_cursor({"placement": placement, "list": _name_of_list(day, status)})


def placement_in(cursor: str, day: str, status: OrderStatus | None) -> str:
    """The placement that `cursor` stands for; raises InvalidCursor if it belongs to another list or is malformed."""
    read = decode_cursor(cursor, fields={"placement", "list"})
    at, _, order_id = read["placement"].partition("#")
    if read["list"] != _name_of_list(day, status) or not (
        _MOMENT.fullmatch(at) and _ORDER_ID.fullmatch(order_id)
    ):
        raise InvalidCursor
    return read["placement"]


def _name_of_list(of: str, status: OrderStatus | None) -> str:
    name = f"{of}#{status.value if status else ''}"
    return hashlib.sha256(name.encode()).hexdigest()[:16]
