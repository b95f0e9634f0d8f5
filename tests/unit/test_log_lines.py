"""`make logs` shows one readable line for each thing that happened."""

import json
from datetime import UTC, datetime

import pytest

from tools.log_search import Entry
from tools.ops.logs import readable

AT = datetime(2026, 3, 2, 9, 30, 0, 125_000, tzinfo=UTC)


def line(message: str) -> str:
    return readable(Entry(AT, "cartwright-OrdersApiFunction-1A2B", "a stream", message), "OrdersApi")


def test_a_line_of_a_function_says_when_who_what_and_about_what() -> None:
    logged = {
        "level": "INFO",
        "message": "request answered",
        "timestamp": "2026-03-02T09:30:00.125+00:00",
        "service": "orders",
        "function_request_id": "b3a77a46",
        "order_id": "ord_1",
        "status": 201,
        "reason": "two words",
    }
    assert line(json.dumps(logged)) == (
        '09:30:00.125 INFO    OrdersApi  request answered  order_id=ord_1 status=201 reason="two words"'
    )


def test_of_an_error_the_last_line_of_its_traceback_is_left() -> None:
    logged = {
        "level": "ERROR",
        "message": "event failed",
        "exception_name": "WriteConflict",
        "exception": "Traceback (most recent call last):\n  File ...\nWriteConflict: o-1",
    }
    assert (
        line(json.dumps(logged))
        == '09:30:00.125 ERROR   OrdersApi  event failed  exception="WriteConflict: o-1"'
    )


def test_a_metric_is_a_name_and_a_value() -> None:
    logged = {"_aws": {"Timestamp": 1}, "service": "orders", "OrdersPlaced": [1.0], "Alike": [1, 2]}
    assert line(json.dumps(logged)) == "09:30:00.125 METRIC  OrdersApi  OrdersPlaced=1.0 Alike=[1, 2]"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Task timed out after 3.00 seconds\n", "Task timed out after 3.00 seconds"),
        ("Traceback (most recent call last):\n  File ...\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_any_other_text_is_shown_by_its_last_line(message: str, shown: str) -> None:
    assert line(message) == f"09:30:00.125         OrdersApi  {shown}"


@pytest.mark.parametrize("message", ["Traceback (most recent call last):", '  File "x.py", line 1', ""])
def test_a_traceback_that_comes_line_by_line_shows_its_last_line_only(message: str) -> None:
    assert line(message) == ""
