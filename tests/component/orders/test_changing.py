"""Cancelling orders and resuming parked ones, through the real handler, against a pretended DynamoDB."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from orders.adapters.order_store import OrderStore
from orders.domain.order import Order
from orders.domain.status import Canceller
from shared.clock import utc_now
from shared.versioned_table import WriteConflict
from tests.component.orders.account import OrdersAccount, order_body
from tests.component.orders.client import Client, abandon, change, confirm, erase, park, refused, undo
from tests.component.rest_events import json_body, rest_event


class TestCancelling:
    @pytest.fixture
    def order_id(self, ada: Client) -> str:
        return str(json_body(ada.place(order_body(("TEA", 2))))["order_id"])

    def test_an_order_that_is_being_decided_on_is_cancelled_at_once(
        self, account: OrdersAccount, ada: Client, order_id: str
    ) -> None:
        answer = ada.cancel(order_id)

        assert answer["statusCode"] == 202
        order = json_body(answer)
        assert (order["status"], order["cancelled_by"]) == ("cancelling", "customer")
        assert [entry["status"] for entry in order["history"]] == ["placed", "cancelling"]
        [event] = account.order(order_id)["outbox"]
        assert event["event_type"] == "order.cancellation_requested"

    def test_a_confirmed_order_is_cancelled_by_the_cancellation_that_its_event_starts(
        self, account: OrdersAccount, ada: Client, order_id: str
    ) -> None:
        change(order_id, confirm)

        answer = ada.cancel(order_id)

        assert (answer["statusCode"], json_body(answer)["status"]) == (202, "cancelling")
        [event] = account.order(order_id)["outbox"]
        assert event["event_type"] == "order.cancellation_requested"
        assert event["data"]["by"] == "customer"

    @pytest.mark.parametrize("changes", [[], [confirm], [undo]])
    def test_asking_again_answers_the_same_and_publishes_nothing_twice(
        self, account: OrdersAccount, ada: Client, order_id: str, changes: list[Any]
    ) -> None:
        """While it is being cancelled, and once `undo` has cancelled it."""
        if changes == [confirm]:
            change(order_id, confirm)
        ada.cancel(order_id)
        if changes == [undo]:
            change(order_id, undo)
        stored = account.order(order_id)

        again = ada.cancel(order_id)

        assert again["statusCode"] == 202
        assert json_body(again)["status"] == ("cancelled" if changes == [undo] else "cancelling")
        assert account.order(order_id) == stored

    @pytest.mark.parametrize(("end", "status"), [(undo, "rejected"), (park, "parked")])
    def test_an_order_that_has_come_to_another_end_cannot_be_cancelled(
        self, account: OrdersAccount, ada: Client, order_id: str, end: Any, status: str
    ) -> None:
        change(order_id, end)
        stored = account.order(order_id)

        problem = refused(ada.cancel(order_id), 409, "cannot-be-cancelled")

        assert status in problem["detail"]
        assert account.order(order_id) == stored

    def test_an_admin_cancels_for_the_customer_and_the_event_says_so(
        self, account: OrdersAccount, ada: Client, admin: Client, order_id: str
    ) -> None:
        assert json_body(admin.cancel(order_id))["cancelled_by"] == "admin"
        change(order_id, undo)
        [event] = account.order(order_id)["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancelled", "admin")

    def test_someone_elses_order_does_not_exist(
        self, account: OrdersAccount, ada: Client, eve: Client, order_id: str
    ) -> None:
        stored = account.order(order_id)
        refused(eve.cancel(order_id), 404, "not-found")
        refused(ada.cancel("ord_none"), 404, "not-found")
        assert account.order(order_id) == stored

    def test_without_a_token_it_is_a_401(self, order_id: str, lambda_context: Any) -> None:
        from orders.functions.api import handler

        refused(
            handler(rest_event("POST", f"/orders/{order_id}/cancel"), lambda_context), 401, "unauthorized"
        )

    @pytest.mark.parametrize(("first", "version"), [(confirm, 3), (abandon, 3), (erase, 3)])
    def test_a_change_that_comes_in_between_is_not_lost(
        self, ada: Client, order_id: str, monkeypatch: pytest.MonkeyPatch, first: Any, version: int
    ) -> None:
        """The cancellation is decided anew on the changed order."""
        overtake(monkeypatch, order_id, first)

        assert json_body(ada.cancel(order_id))["status"] == "cancelling"

        stored = OrdersAccount().order(order_id)
        assert [event["event_type"] for event in stored["outbox"]] == ["order.cancellation_requested"]
        assert stored["version"] == version

    def test_a_cancellation_that_loses_against_the_rejection_is_refused(
        self, account: OrdersAccount, ada: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        overtake(monkeypatch, order_id, undo)
        refused(ada.cancel(order_id), 409, "cannot-be-cancelled")
        assert account.order(order_id)["status"] == "rejected"

    def test_an_order_that_others_keep_changing_is_a_503(
        self, ada: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def contended(self: OrderStore, order_id: str, change: Any) -> Order:
            raise WriteConflict(order_id)

        monkeypatch.setattr(OrderStore, "change", contended)
        refused(ada.cancel(order_id), 503, "temporarily-unavailable")


class TestAttention:
    """The operators' list of orders without an end, and the resumption of a parked one."""

    @pytest.fixture
    def order_id(self, ada: Client) -> str:
        return str(json_body(ada.place(order_body(("TEA", 2))))["order_id"])

    def listed(self, admin: Client, **query: str) -> dict[str, list[str]]:
        answer = admin.call("GET", "/orders/attention", query=query or None)
        assert answer["statusCode"] == 200, answer
        return {kind: [entry["order_id"] for entry in entries] for kind, entries in json_body(answer).items()}

    def test_a_parked_order_is_listed_until_it_is_resumed(self, admin: Client, order_id: str) -> None:
        change(order_id, park)
        assert self.listed(admin) == {"parked": [order_id], "stuck": [], "late": [], "unsettled": []}

        admin.call("POST", f"/orders/{order_id}/resume")

        assert self.listed(admin) == {"parked": [], "stuck": [], "late": [], "unsettled": []}

    def test_an_order_is_stuck_when_it_is_under_way_for_longer_than_it_takes(
        self, admin: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.listed(admin)["stuck"] == []

        monkeypatch.setattr("orders.functions.api.utc_now", lambda: utc_now() + timedelta(minutes=6))

        assert self.listed(admin)["stuck"] == [order_id]
        [entry] = json_body(admin.call("GET", "/orders/attention"))["stuck"]
        assert entry["reasons"] == ["decision"]
        change(order_id, confirm)
        assert self.listed(admin)["stuck"] == []

    def test_an_order_is_late_when_it_is_confirmed_for_longer_than_it_takes_until_it_is_fulfilled(
        self, admin: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(order_id, confirm)
        assert self.listed(admin)["late"] == []

        monkeypatch.setattr("orders.functions.api.utc_now", lambda: utc_now() + timedelta(hours=25))

        assert self.listed(admin)["late"] == [order_id]
        change(order_id, lambda order: order.remind(utc_now() + timedelta(hours=25)))
        assert self.listed(admin)["late"] == [order_id], "also once it was asked for again"
        change(order_id, lambda order: order.record_capture(5, utc_now()))
        change(order_id, lambda order: order.record_dispatch("PARCEL1", utc_now()))
        assert self.listed(admin) == {"parked": [], "stuck": [], "late": [], "unsettled": []}

    def test_the_longest_waiting_come_first(self, ada: Client, admin: Client) -> None:
        ids = [json_body(ada.place(order_body(("TEA", 1)), key=f"key-{n}"))["order_id"] for n in range(3)]
        for minutes, order_id in zip((2, 3, 1), ids, strict=True):
            then = utc_now() - timedelta(minutes=minutes)
            change(order_id, abandon, partial(Order.park, state="{}", now=then))

        assert self.listed(admin, limit="2")["parked"] == [ids[1], ids[0]]

    def test_a_resumption_publishes_the_request_to_undo_the_order(
        self, account: OrdersAccount, admin: Client, order_id: str
    ) -> None:
        change(order_id, park)

        answer = admin.call("POST", f"/orders/{order_id}/resume")

        assert (answer["statusCode"], json_body(answer)["status"]) == (202, "abandoned")
        [event] = account.order(order_id)["outbox"]
        assert (event["event_type"], event["data"]["order_id"]) == ("order.resumption_requested", order_id)

    def test_asking_again_starts_nothing_more(
        self, account: OrdersAccount, admin: Client, order_id: str
    ) -> None:
        change(order_id, park)
        admin.call("POST", f"/orders/{order_id}/resume")
        stored = account.order(order_id)

        assert admin.call("POST", f"/orders/{order_id}/resume")["statusCode"] == 202

        assert account.order(order_id) == stored

    def test_an_order_whose_refund_failed_is_listed_and_says_so_until_an_operator_has_settled_it(
        self, ada: Client, admin: Client, order_id: str
    ) -> None:
        change(order_id, cancelled, partial(refund_failed, version=7))

        assert self.listed(admin)["unsettled"] == [order_id]
        [entry] = json_body(admin.call("GET", "/orders/attention"))["unsettled"]
        assert (entry["status"], entry["payment_issues"]) == ("cancelled", ["refund_failed"])
        assert json_body(ada.read(order_id))["payment_issues"] == ["refund_failed"]

        answer = admin.call("POST", f"/orders/{order_id}/resume")

        assert (answer["statusCode"], json_body(answer)["status"]) == (202, "cancelled")
        assert self.listed(admin)["unsettled"] == []
        assert json_body(ada.read(order_id))["payment_issues"] == []
        refused(admin.call("POST", f"/orders/{order_id}/resume"), 409, "cannot-be-resumed")

    def test_a_refund_that_fails_before_the_order_has_recorded_its_end_is_listed_then(
        self, admin: Client, order_id: str
    ) -> None:
        change(order_id, partial(refund_failed, version=7))
        assert self.listed(admin)["unsettled"] == []

        change(order_id, cancelled)

        assert self.listed(admin)["unsettled"] == [order_id]

    def test_a_new_issue_lists_a_settled_order_again(self, admin: Client, order_id: str) -> None:
        change(order_id, cancelled, partial(refund_failed, version=7))
        admin.call("POST", f"/orders/{order_id}/resume")

        change(
            order_id, lambda order: order.record_payment_issues(8, ["disputed", "refund_failed"], utc_now())
        )

        [entry] = json_body(admin.call("GET", "/orders/attention"))["unsettled"]
        assert entry["payment_issues"] == ["disputed"]

    def test_a_second_issue_of_the_same_kind_lists_a_settled_order_again(
        self, ada: Client, admin: Client, order_id: str
    ) -> None:
        one, both = ["disputed:du_1"], ["disputed:du_1", "disputed:du_2"]
        change(order_id, cancelled, lambda order: order.record_payment_issues(7, one, utc_now()))
        admin.call("POST", f"/orders/{order_id}/resume")

        change(order_id, lambda order: order.record_payment_issues(8, both, utc_now()))

        [entry] = json_body(admin.call("GET", "/orders/attention"))["unsettled"]
        assert entry["payment_issues"] == ["disputed"]
        assert json_body(ada.read(order_id))["payment_issues"] == ["disputed"]
        admin.call("POST", f"/orders/{order_id}/resume")
        assert self.listed(admin)["unsettled"] == []

    def test_an_older_report_on_the_money_changes_nothing(self, admin: Client, order_id: str) -> None:
        change(order_id, cancelled, lambda order: order.record_payment_issues(8, [], utc_now()))

        change(order_id, partial(refund_failed, version=7))

        assert self.listed(admin)["unsettled"] == []

    @pytest.mark.parametrize("changes", [[], [confirm], [undo]])
    def test_an_order_that_is_not_parked_cannot_be_resumed(
        self, account: OrdersAccount, admin: Client, order_id: str, changes: list[Any]
    ) -> None:
        change(order_id, *changes)
        stored = account.order(order_id)
        refused(admin.call("POST", f"/orders/{order_id}/resume"), 409, "cannot-be-resumed")
        assert account.order(order_id) == stored

    def test_an_unknown_order_is_a_404(self, admin: Client) -> None:
        refused(admin.call("POST", "/orders/ord_none/resume"), 404, "not-found")

    def test_neither_is_for_customers(self, account: OrdersAccount, ada: Client, order_id: str) -> None:
        change(order_id, park)
        stored = account.order(order_id)
        refused(ada.call("GET", "/orders/attention"), 403, "forbidden")
        refused(ada.call("POST", f"/orders/{order_id}/resume"), 403, "forbidden")
        assert account.order(order_id) == stored


def cancelled(order: Order) -> tuple[Order, Any]:
    return order.request_cancellation(Canceller.CUSTOMER, utc_now())[0].cancel(utc_now())


def refund_failed(order: Order, version: int) -> tuple[Order, Any]:
    return order.record_payment_issues(version, ["refund_failed"], utc_now())


def overtake(monkeypatch: pytest.MonkeyPatch, order_id: str, first: Any) -> None:
    """Lets `first` happen to the order between the reading and the writing of its next change."""
    from orders.dependencies import order_store

    store, read, reads = order_store(), order_store().find, 0

    def find(wanted: str) -> Order | None:
        nonlocal reads
        found = read(wanted)
        reads += 1
        # The first reading is the route's own, for whom the order belongs to.
        if reads == 2:
            change(order_id, first)
        return found

    monkeypatch.setattr(store, "find", find)
