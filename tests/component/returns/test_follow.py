"""The consumer of other services' events, on a pretended table."""

from typing import Any

import pytest

from shared.events import Event
from tests.component.batches import example_events
from tests.component.rest_events import json_body
from tests.component.returns.client import (
    DONE,
    ORDER,
    Client,
    dead_letters,
    items,
    order_fulfilled,
    return_booked,
    return_refunded,
    user_deleted,
)
from tests.component.returns.conftest import Deliver

FOUND = {"lines": [{"sku": "TEA", "restocked": 2}]}


def published(table: Any, order: str = ORDER) -> list[str]:
    return [Event.model_validate_json(entry).event_type for entry in items(table)[order]["outbox"]]


class TestAFulfilledOrder:
    def test_can_be_returned_from_then_on(self, table: Any, ada: Client, consume: Deliver) -> None:
        assert ada.request(TEA=1)["statusCode"] == 404
        assert consume(order_fulfilled()) == DONE
        assert ada.request(TEA=1)["statusCode"] == 201

    def test_that_is_told_again_keeps_its_returns(
        self, table: Any, ada: Client, consume: Deliver, fulfilled: Event
    ) -> None:
        ada.requested(TEA=1)
        stored = items(table)
        assert consume(fulfilled, fulfilled) == DONE
        assert items(table) == stored

    def test_as_the_example_has_it_is_stored(self, table: Any, consume: Deliver) -> None:
        [event] = example_events("returns_follow.json")
        assert consume(event) == DONE
        stored = items(table)[event.aggregate_id]
        assert stored["shipping"] == {"amount": 490, "currency": "EUR"}
        assert stored["publishes_nothing"] is True

    def test_without_its_customer_is_a_dead_letter(self, consume: Deliver) -> None:
        event = order_fulfilled()
        consume(event.model_copy(update={"data": {**event.data, "customer_id": ""}}))
        [reason] = dead_letters()
        assert "customer_id" in reason


@pytest.mark.usefixtures("fulfilled")
class TestALabel:
    def test_is_shown_to_the_customer_and_published_once(
        self, table: Any, ada: Client, admin: Client, consume: Deliver
    ) -> None:
        return_id = ada.requested(TEA=2)
        admin.do("accept", return_id)
        assert consume(return_booked(return_id)) == DONE
        assert published(table) == ["return.labelled"]
        stored = items(table)
        assert consume(return_booked(return_id)) == DONE
        assert items(table) == stored
        [shown] = json_body(ada.returns())["returns"]
        assert (shown["status"], shown["tracking_reference"]) == ("labelled", "CW8K87J2WHJWVB")

    def test_that_comes_after_the_withdrawal_changes_nothing(
        self, table: Any, ada: Client, admin: Client, consume: Deliver
    ) -> None:
        return_id = ada.requested(TEA=2)
        admin.do("accept", return_id)
        ada.do("withdraw", return_id)
        stored = items(table)
        assert consume(return_booked(return_id)) == DONE
        assert items(table) == stored

    def test_of_an_unknown_return_is_a_dead_letter_at_once(self, consume: Deliver) -> None:
        assert consume(return_booked("ret_none")) == DONE
        [reason] = dead_letters()
        assert reason.startswith("ReturnUnknown")


@pytest.mark.usefixtures("fulfilled")
class TestARefund:
    @pytest.fixture
    def inspected(self, ada: Client, admin: Client) -> str:
        """A return of two teas that were accepted back."""
        return_id = ada.requested(TEA=2)
        admin.do("accept", return_id)
        assert admin.do("inspect", return_id, FOUND)["statusCode"] == 200
        return return_id

    def test_ends_the_return_once(self, table: Any, ada: Client, consume: Deliver, inspected: str) -> None:
        assert consume(return_refunded(inspected, 1580)) == DONE
        assert published(table) == ["return.refunded"]
        assert inspected not in items(table), "it waits for nobody any more"
        stored = items(table)
        assert consume(return_refunded(inspected, 1580)) == DONE
        assert items(table) == stored
        assert json_body(ada.returns())["returns"][0]["status"] == "refunded"

    def test_of_another_amount_is_a_dead_letter_and_changes_nothing(
        self, table: Any, consume: Deliver, inspected: str
    ) -> None:
        stored = items(table)
        assert consume(return_refunded(inspected, 1581)) == DONE
        [reason] = dead_letters()
        assert reason.startswith("RefundUnexpected")
        assert items(table) == stored


@pytest.mark.usefixtures("fulfilled")
class TestADeletedUser:
    def test_has_undecided_returns_withdrawn_and_accepted_ones_kept(
        self, table: Any, ada: Client, admin: Client, consume: Deliver
    ) -> None:
        consume(order_fulfilled("ord_2"))
        accepted, undecided = ada.requested(TEA=1), ada.requested(order="ord_2", MUG=1)
        admin.do("accept", accepted)

        assert consume(user_deleted()) == DONE

        statuses = {
            entry["return_id"]: entry["status"]
            for order in (ORDER, "ord_2")
            for entry in json_body(admin.returns(order))["returns"]
        }
        assert statuses == {accepted: "accepted", undecided: "withdrawn"}
        assert published(table, "ord_2") == ["return.withdrawn"]
        stored = items(table)
        assert consume(user_deleted()) == DONE
        assert items(table) == stored

    def test_leaves_the_returns_of_others_alone(
        self, table: Any, ada: Client, eve: Client, consume: Deliver
    ) -> None:
        consume(order_fulfilled("ord_2", customer="eve"))
        ada.requested(TEA=1)
        eve.requested(order="ord_2", TEA=1)
        consume(user_deleted("eve"))
        assert json_body(ada.returns())["returns"][0]["status"] == "requested"
