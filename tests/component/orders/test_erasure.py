"""Erasing the personal data in the orders of a customer who left, against a pretended AWS."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from orders.domain.order import Order
from orders.domain.status import AccountClosed
from shared.aws import client
from shared.clock import utc_now
from tests.component.orders.account import ADDRESS, OrdersAccount, placed_order
from tests.component.orders.functions import Saga, dead_letters_in, example, fresh
from tests.made_up import made_up_event


class Erasure:
    """The consumer of `user.deleted` with its own queue."""

    def __init__(self, context: Any, queue: str) -> None:
        self._context = context
        self._queue = queue
        self.module = fresh("orders.functions.erase")

    def deliver(self, body: str) -> dict[str, Any]:
        """The function's answer to a message."""
        [record] = example("orders_erase")["Records"]
        answer: dict[str, Any] = self.module.handler({"Records": [{**record, "body": body}]}, self._context)
        return answer

    def sent(self) -> list[tuple[str, int]]:
        """The messages that the function has sent to its own queue, and their delays in seconds."""
        return [
            (call["MessageBody"], call["DelaySeconds"])
            for call in self.calls
            if call["QueueUrl"] == self._queue
        ]

    calls: list[dict[str, Any]]


@pytest.mark.usefixtures("dead_letters")
class TestErase:
    @pytest.fixture
    def erasure(self, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Erasure:
        queue = boto3.client("sqs").create_queue(QueueName="erase")["QueueUrl"]
        monkeypatch.setenv("QUEUE_URL", queue)
        erasure = Erasure(lambda_context, queue)
        erasure.calls = []
        send = client("sqs").send_message

        def send_message(**message: Any) -> Any:
            erasure.calls.append(message)
            return send(**message)

        monkeypatch.setattr(client("sqs"), "send_message", send_message)
        return erasure

    @staticmethod
    def place(count: int, customer: str = "ada") -> list[str]:
        """The ids of `count` orders of the customer's, placed a second apart."""
        from orders.dependencies import order_store

        ids = []
        for number in range(count):
            at = datetime(2026, 11, 21, 10, 15, tzinfo=UTC) + timedelta(seconds=number)
            order, events = placed_order(customer=customer, key=f"key-{number}", at=at)
            ids.append(order_store().add(order, events).order_id)
        return ids

    @staticmethod
    def user_deleted(customer: str, **data: Any) -> str:
        """The body of a message that the customer's account was deleted."""
        return made_up_event(
            "user.deleted",
            aggregate_id=customer,
            aggregate_version=3,
            occurred_at=utc_now(),
            correlation_id="c-2",
            data={"user_id": customer, **data},
        ).model_dump_json()

    def test_nothing_personal_is_left_of_the_customers_orders_and_others_are_untouched(
        self, account: OrdersAccount, erasure: Erasure
    ) -> None:
        hers, [other] = self.place(3), self.place(1, "eve")
        untouched = account.order(other)

        assert erasure.deliver(self.user_deleted("ada")) == {"batchItemFailures": []}

        for order_id in hers:
            stored = json.dumps(account.order(order_id))
            personal = [text for name, text in ADDRESS.items() if name != "country"]
            assert [text for text in [*personal, "pm_card_visa"] if text in stored] == [], (
                "not in its outbox either"
            )
            assert account.order(order_id)["shipping_address"]["country"] == "DE"
            assert account.order(order_id)["erased_at"]
        assert account.order(other) == untouched

    def test_a_second_delivery_changes_nothing(self, account: OrdersAccount, erasure: Erasure) -> None:
        [order_id] = self.place(1)
        erasure.deliver(self.user_deleted("ada"))
        stored = account.order(order_id)

        assert erasure.deliver(self.user_deleted("ada")) == {"batchItemFailures": []}

        assert account.order(order_id) == stored

    def test_an_account_of_any_size_is_erased_page_by_page_and_comes_to_an_end(
        self, account: OrdersAccount, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orders.domain.account_erasure.PAGE", 2)
        ids = self.place(5)
        erasure.deliver(self.user_deleted("ada"))
        assert sum("erased_at" in account.order(order_id) for order_id in ids) == 2, "one page a message"

        for _ in range(2):
            body, delay = erasure.sent()[-1]
            assert delay == 0
            erasure.deliver(body)

        assert all("erased_at" in account.order(order_id) for order_id in ids)
        assert len(erasure.sent()) == 3
        again, delay = erasure.sent()[-1]
        assert (json.loads(again)["data"], delay) == ({"user_id": "ada", "after": None}, 60)

    def test_an_order_whose_placement_was_under_way_is_found_later_and_then_it_ends(
        self, account: OrdersAccount, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        erasure.deliver(self.user_deleted("ada"))
        [late] = self.place(1)
        [(again, _)] = erasure.sent()
        later = utc_now() + timedelta(seconds=61)
        monkeypatch.setattr(erasure.module, "utc_now", lambda: later)

        erasure.deliver(again)

        assert "erased_at" in account.order(late)
        assert len(erasure.sent()) == 1, "it does not go on for ever"

    def test_the_account_can_place_nothing_from_the_first_page_on(
        self, account: OrdersAccount, erasure: Erasure
    ) -> None:
        from orders.dependencies import order_store

        erasure.deliver(self.user_deleted("ada"))

        _, ada = order_store().find_for_placement("ord_1", "ada")
        with pytest.raises(AccountClosed):
            ada.require_open()
        _, eve = order_store().find_for_placement("ord_1", "eve")
        eve.require_open()

    def test_an_order_that_changes_meanwhile_is_erased_as_it_has_become(
        self, account: OrdersAccount, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from orders.dependencies import order_store

        [order_id] = self.place(1)
        store, read = order_store(), order_store().find

        def find_and_be_overtaken(wanted: str) -> Order | None:
            order = read(wanted)
            monkeypatch.setattr(store, "find", read)
            store.change(wanted, lambda current: current.confirm(utc_now()))
            return order

        monkeypatch.setattr(store, "find", find_and_be_overtaken)

        assert erasure.deliver(self.user_deleted("ada")) == {"batchItemFailures": []}

        stored = account.order(order_id)
        assert (stored["status"], stored["shipping_address"]["city"]) == ("cancelling", "")

    def test_an_order_that_is_parked_after_it_was_erased_keeps_no_personal_data(
        self, account: OrdersAccount, erasure: Erasure, lambda_context: Any
    ) -> None:
        """The saga carries its own copy of the address."""
        saga = Saga(account, lambda_context)
        erasure.deliver(self.user_deleted("ada"))

        assert saga.run("park", error={"Error": "CardDeclined", "Cause": ""}) == {"status": "parked"}

        stored = json.dumps(saga.stored)
        assert not any(
            text in stored for text in ("Ada Example", "1 Main St", "Berlin", "10115", "pm_card_visa")
        )

    @pytest.mark.parametrize("data", [{"user_id": ""}, {"user_id": None}, {"after": "x"}])
    def test_an_event_that_names_no_user_is_a_dead_letter(
        self, dead_letters: str, erasure: Erasure, data: dict[str, Any]
    ) -> None:
        erasure.deliver(self.user_deleted("ada", **data))
        assert len(dead_letters_in(dead_letters)) == 1

    def test_the_example_event_erases_the_example_order(
        self, account: OrdersAccount, erasure: Erasure
    ) -> None:
        item = example("orders_relay")["Records"][0]["dynamodb"]["NewImage"]
        boto3.client("dynamodb").put_item(TableName="orders", Item=item)

        [record] = example("orders_erase")["Records"]
        erasure.deliver(record["body"])

        assert account.order(item["pk"]["S"])["shipping_address"]["city"] == ""
