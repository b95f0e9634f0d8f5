"""What one customer may order, and how fast, through the real handlers: pieces, declined payments, undecided orders."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from shared.clock import utc_now
from tests.component.orders.account import OrdersAccount, order_body
from tests.component.orders.client import Client, change, confirm, pointers, refused
from tests.component.orders.functions import fresh
from tests.component.rest_events import header, json_body


@pytest.fixture(autouse=True)
def _limits(account: OrdersAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_UNDECIDED_ORDERS", "3")
    monkeypatch.setenv("MAX_DECLINES_PER_HOUR", "2")


def place(client: Client, key: str) -> str:
    """The id of a new order."""
    answer = client.place(order_body(("TEA", 1)), key=key)
    assert answer["statusCode"] == 201, answer
    order_id: str = json_body(answer)["order_id"]
    return order_id


def decline(client: Client, key: str, lambda_context: Any) -> str:
    """The id of an order whose payment was declined."""
    from orders.dependencies import order_store
    from orders.domain.saga_form import for_saga

    order_id = place(client, key)
    order = order_store().find(order_id)
    assert order is not None
    event = {
        "step": "abandon",
        "order": for_saga(order).model_dump(),
        "error": {"Error": "CardDeclined", "Cause": "{}"},
    }
    for _ in range(2):  # a state machine may run a step again
        fresh("orders.functions.steps").handler(event, lambda_context)
    return order_id


def stored(key: str) -> Any:
    """The item under `key` as DynamoDB has it, or None."""
    return boto3.client("dynamodb").get_item(TableName="orders", Key={"pk": {"S": key}}).get("Item")


def test_a_line_with_too_many_pieces_is_refused_and_names_its_place(
    account: OrdersAccount, ada: Client
) -> None:
    answer = ada.place(order_body(("TEA", 100), ("MUG", 1)))

    assert pointers(refused(answer, 422, "too-many-pieces")) == ["/body/lines/0/quantity"]
    assert account.orders() == []


def test_an_order_with_too_many_pieces_together_is_refused(account: OrdersAccount, ada: Client) -> None:
    account.sell("CUP", 500)
    answer = ada.place(order_body(("TEA", 99), ("MUG", 99), ("CUP", 3)))

    assert pointers(refused(answer, 422, "too-many-pieces")) == ["/body/lines"]
    assert account.orders() == []


def test_after_too_many_declined_payments_the_account_waits_an_hour_and_no_other_does(
    account: OrdersAccount, ada: Client, eve: Client, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = decline(ada, "1", lambda_context)
    decline(ada, "2", lambda_context)

    answer = ada.place(order_body(("TEA", 1)), key="3")
    assert "2 payments" in refused(answer, 429, "too-many-declines")["detail"]
    assert 3590 <= int(header(answer, "Retry-After") or 0) <= 3600
    assert json_body(ada.place(order_body(("TEA", 1)), key="1"))["order_id"] == first, (
        "a repeat has its answer"
    )
    place(eve, "1")

    later = utc_now() + timedelta(hours=1)
    monkeypatch.setattr("orders.functions.api.utc_now", lambda: later)
    place(ada, "3")


def test_a_declined_payment_counts_though_its_order_was_cancelled_meanwhile(
    account: OrdersAccount, ada: Client, lambda_context: Any
) -> None:
    from orders.dependencies import order_store
    from orders.domain.saga_form import for_saga

    steps = fresh("orders.functions.steps")
    for key in ("1", "2"):
        order = order_store().find(place(ada, key))
        assert order is not None
        assert ada.cancel(order.order_id)["statusCode"] == 202
        steps.handler(
            {"step": "abandon", "order": for_saga(order).model_dump(), "error": {"Error": "CardDeclined"}},
            lambda_context,
        )

    refused(ada.place(order_body(("TEA", 1)), key="3"), 429, "too-many-declines")


def test_an_order_that_fails_for_another_reason_counts_as_no_decline(
    account: OrdersAccount, ada: Client, lambda_context: Any
) -> None:
    from orders.dependencies import order_store
    from orders.domain.saga_form import for_saga

    for key in ("1", "2", "3"):
        order = order_store().find(place(ada, key))
        assert order is not None
        fresh("orders.functions.steps").handler(
            {"step": "abandon", "order": for_saga(order).model_dump(), "error": {"Error": "OutOfStock"}},
            lambda_context,
        )

    place(ada, "4")


def test_a_customer_has_so_many_undecided_orders_at_once_and_no_more(
    account: OrdersAccount, ada: Client, eve: Client
) -> None:
    first, *_ = [place(ada, str(number)) for number in range(3)]

    answer = ada.place(order_body(("TEA", 1)), key="3")
    refused(answer, 429, "too-many-undecided-orders")
    assert header(answer, "Retry-After") == "2"
    place(eve, "3")

    change(first, confirm)
    place(ada, "3")


def test_a_repeat_during_its_first_request_has_its_answer_though_that_reached_the_limit(
    account: OrdersAccount, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orders.dependencies import order_store

    for key in ("1", "2"):
        place(ada, key)
    store, first = order_store(), list[str]()
    count_in_status = store.count_in_status

    def count_after_the_first_request(*asked: Any, **limit: Any) -> int:
        meanwhile.undo()
        first.append(place(ada, "3"))
        return count_in_status(*asked, **limit)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(store, "count_in_status", count_after_the_first_request)
        answer = ada.place(order_body(("TEA", 1)), key="3")

    assert answer["statusCode"] == 201, answer
    assert [json_body(answer)["order_id"]] == first
    assert header(answer, "Idempotent-Replayed") == "true"


def test_a_decline_is_no_mark_of_a_closed_account_to_an_earlier_release(
    account: OrdersAccount, ada: Client, lambda_context: Any
) -> None:
    """Release 0.6.0 takes any item under this key for a closed account."""
    decline(ada, "1", lambda_context)

    assert stored("customer#ada") is None


def test_a_closed_account_keeps_no_decline_and_a_saga_that_still_runs_adds_none(
    account: OrdersAccount, ada: Client, lambda_context: Any
) -> None:
    from orders.dependencies import order_store
    from orders.domain.saga_form import for_saga

    first = decline(ada, "1", lambda_context)
    late = order_store().find(place(ada, "2"))
    assert late is not None
    order_store().close_account("ada", "2026-11-21T10:15:00.000Z")
    fresh("orders.functions.steps").handler(
        {"step": "abandon", "order": for_saga(late).model_dump(), "error": {"Error": "CardDeclined"}},
        lambda_context,
    )

    kept = json.dumps([stored("customer#ada"), stored("declines#ada")])
    assert first not in kept
    assert late.order_id not in kept
    refused(ada.place(order_body(("TEA", 1)), key="3"), 403, "account-closed")
    again = order_store().close_account("ada", "2026-11-22T10:15:00.000Z")
    assert again == "2026-11-21T10:15:00.000Z", "closed since the first time"


def test_an_account_that_an_earlier_release_closed_stays_closed_since_then(
    account: OrdersAccount, ada: Client
) -> None:
    from orders.dependencies import order_store

    closed_at = "2026-11-21T10:15:00.000Z"
    item = {"pk": {"S": "customer#ada"}, "closed_at": {"S": closed_at}}
    boto3.client("dynamodb").put_item(TableName="orders", Item=item)

    refused(ada.place(order_body(("TEA", 1)), key="1"), 403, "account-closed")
    assert order_store().close_account("ada", "2026-11-22T10:15:00.000Z") == closed_at


def test_a_decline_wakes_no_relay_and_leaves_no_more_than_its_moment(
    account: OrdersAccount, ada: Client, lambda_context: Any
) -> None:
    order_id = decline(ada, "1", lambda_context)

    item = stored("declines#ada")
    assert item is not None
    assert item["publishes_nothing"] == {"BOOL": True}
    assert list(item["declines"]["M"]) == [order_id]
    assert set(item) == {"pk", "declines", "version", "outbox", "publishes_nothing"}
