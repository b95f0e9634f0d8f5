"""The cursors that lists of orders hand out: opaque, URL-safe, and refused when they are anyone's invention."""

import base64
import json
import string
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cursor import InvalidCursor, decode_cursor, encode_cursor

FIELDS = {"pk", "placed_at"}
POSITION = {"pk": "ord_1", "placed_at": "2026-11-21T10:15:00.000Z"}


def forged(position: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


@given(st.fixed_dictionaries({field: st.text(min_size=1) for field in FIELDS}))
def test_a_position_comes_back_as_it_went(position: dict[str, str]) -> None:
    assert decode_cursor(encode_cursor(position), FIELDS) == position


@given(st.fixed_dictionaries({field: st.text(min_size=1) for field in FIELDS}))
def test_a_cursor_needs_no_escaping_in_a_url(position: dict[str, str]) -> None:
    assert set(encode_cursor(position)) <= set(string.ascii_letters + string.digits + "-_")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "not a cursor",
        encode_cursor(POSITION)[:-3],
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        forged("pk"),
        forged(["pk", "placed_at"]),
        forged({"pk": "ord_1"}),
        forged({**POSITION, "customer_id": "someone-else"}),
        forged({**POSITION, "placed_at": 1}),
        forged({**POSITION, "placed_at": ""}),
        forged({**POSITION, "pk": {"S": "ord_1"}}),
        forged({**POSITION, "pk": "\ud800"}),
        base64.urlsafe_b64encode(b"[" * 300).decode(),
    ],
)
def test_what_no_page_handed_out_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor) as refused:
        decode_cursor(cursor, FIELDS)
    assert refused.value.status is HTTPStatus.BAD_REQUEST
    assert refused.value.errors[0]["pointer"] == "/query/cursor"


@given(st.text(max_size=100))
def test_no_text_whatever_gets_anything_but_a_position_or_a_refusal(cursor: str) -> None:
    try:
        position = decode_cursor(cursor, FIELDS)
    except InvalidCursor:
        return
    assert set(position) == FIELDS
