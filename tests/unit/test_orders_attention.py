"""Why an order needs an operator, by its status and by what its cancellation left."""

import json

import pytest

from orders.domain.attention import reasons_for_attention

from .orders_commands import LATER, abandon, after, cancel, capture, confirm, dispatch, request_cancellation


def test_an_open_order_waits_for_its_state_machine() -> None:
    assert reasons_for_attention(after()) == ["decision"]
    assert reasons_for_attention(after(abandon)) == ["undoing"]
    assert reasons_for_attention(after(confirm, request_cancellation)) == ["undoing"]


def test_a_confirmed_order_waits_for_what_is_not_done_yet() -> None:
    assert reasons_for_attention(after(confirm)) == ["capture", "dispatch"]
    assert reasons_for_attention(after(confirm, capture)) == ["dispatch"]
    assert reasons_for_attention(after(confirm, dispatch)) == ["capture"]


def test_an_order_at_its_end_waits_for_nothing() -> None:
    assert reasons_for_attention(after(abandon, cancel)) == []


@pytest.mark.parametrize(
    ("state", "reasons"),
    [
        (
            {"void_payment_error": {"Error": "ProviderUnavailable", "Cause": "{}"}, "order": {}},
            ["void_payment: ProviderUnavailable"],
        ),
        (
            {"cancel_shipment_error": {"Error": "States.Timeout"}, "release_stock_error": {}},
            ["cancel_shipment: States.Timeout", "release_stock"],
        ),
        ({"capture_failed_at": "2026-11-21T10:15:03.000Z", "dispatched_at": None}, ["capture"]),
        ({"ended_execution": "ord_1-2"}, ["undoing: its execution has ended"]),
        ({}, []),
    ],
)
def test_a_parked_order_names_each_step_that_failed(state: dict[str, object], reasons: list[str]) -> None:
    parked = after(confirm, request_cancellation, lambda order: order.park(json.dumps(state), LATER))
    assert reasons_for_attention(parked) == reasons
