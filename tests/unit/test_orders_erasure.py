"""Erasing an order's personal data in any status."""

import json
from contextlib import nullcontext

import pytest

from orders.domain.saga_form import for_saga
from orders.domain.status import Canceller, IllegalTransition, OrderStatus
from tests.unit.orders_commands import (
    ADDRESS,
    LATER,
    NOW,
    REACHING,
    Change,
    cancel,
    event_types,
    order_in,
    placed,
    take_over,
)

# As an earlier release stored it: its state machines carried the address and the payment token.
STATE = json.dumps(
    {
        "order": {
            **for_saga(placed()).model_dump(),
            "shipping_address": ADDRESS,
            "payment_token": "pm_card_visa",
        },
        "void_payment_error": {"Error": "ProviderUnavailable", "Cause": "no answer"},
        "stock_release": {"released": True},
    }
)


def personal_data_in(text: str) -> list[str]:
    personal = [text for name, text in ADDRESS.items() if name != "country"]
    return [value for value in [*personal, "pm_card_visa"] if value in text]


class TestErasure:
    @pytest.mark.parametrize("state", REACHING)
    def test_personal_data_go_whatever_the_status_and_accounting_data_stay(self, state: str) -> None:
        order = order_in(state)

        erased, _ = order.erase(LATER)

        assert personal_data_in(erased.model_dump_json()) == []
        assert erased.request_fingerprint == "", "it is a hash of the address, which could be guessed"
        assert erased.shipping_address.country == "DE"
        kept = {"order_id", "customer_id", "lines", "breakdown", "total", "placed_at"}
        for name in kept:
            assert getattr(erased, name) == getattr(order, name)
        assert erased.history[: len(order.history)] == order.history
        assert erased.erased_at == "2026-11-21T10:15:03.000Z"

    @pytest.mark.parametrize("state", ["placed", "confirmed", "abandoned", "abandoned, resumed"])
    def test_an_order_whose_parcel_has_not_left_is_cancelled(self, state: str) -> None:
        """Nobody can pack a parcel without its address."""
        order = order_in(state)

        erased, events = order.erase(LATER)

        assert (erased.status, erased.cancelled_by) == (OrderStatus.CANCELLING, Canceller.CUSTOMER)
        assert event_types(events) == ["order.cancellation_requested"]
        with pytest.raises(IllegalTransition) if state != "confirmed" else nullcontext():
            assert erased.confirm(LATER)[0].status is OrderStatus.CANCELLING

    @pytest.mark.parametrize(
        "state", sorted(set(REACHING) - {"placed", "confirmed", "abandoned", "abandoned, resumed"})
    )
    def test_any_other_order_stays_in_its_status(self, state: str) -> None:
        order = order_in(state)

        erased, events = order.erase(LATER)

        assert (erased.status, erased.cancelled_by, events) == (order.status, order.cancelled_by, [])
        assert erased.version == order.version + 1

    def test_it_is_done_once(self) -> None:
        erased, _ = placed().erase(NOW)
        assert erased.erase(LATER) == (erased, [])

    @pytest.mark.parametrize("changes", [[cancel], [take_over, cancel]])
    def test_no_personal_data_come_back_by_later_steps_of_the_saga(self, changes: list[Change]) -> None:
        order, _ = placed().erase(NOW)
        for change in changes:
            order, events = change(order)
            assert personal_data_in(events[0].model_dump_json() if events else "") == []
        assert personal_data_in(order.model_dump_json()) == []

    def test_an_order_that_is_parked_later_keeps_the_state_without_the_personal_data(self) -> None:
        assert personal_data_in(STATE)
        erased, _ = placed().erase(NOW)

        parked, _ = erased.park(STATE, LATER)

        assert parked.parked_state
        kept = json.loads(parked.parked_state)
        assert personal_data_in(parked.parked_state) == []
        assert kept["order"]["order_id"] == erased.order_id
        assert kept["order"]["shipping_address"]["country"] == "DE"
        assert kept["void_payment_error"]["Error"] == "ProviderUnavailable"
        assert kept["stock_release"] == {"released": True}

    def test_the_state_of_an_order_that_was_parked_before_is_erased_as_well(self) -> None:
        parked, _ = order_in("abandoned").park(STATE, NOW)

        erased, _ = parked.erase(LATER)

        assert erased.parked_state
        assert personal_data_in(erased.parked_state) == []
        assert json.loads(erased.parked_state)["order"]["lines"] == json.loads(STATE)["order"]["lines"]
