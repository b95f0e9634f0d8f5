"""The routes of orders over HTTP on the deployed stack: every answer, the races, cancellation and erasure."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import requests

from orders.adapters.price_store import PriceStore
from orders.domain.pricing import Price
from shared.money import Money
from tests.system.links import location
from tests.system.orders import order_body
from tests.system.products import TEA
from tools.api import FINAL
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .conftest import event
from .observer import topic_of

pytestmark = pytest.mark.usefixtures("unhurried")


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


@pytest.fixture(scope="module")
def stranger(shop: Shop) -> Customer:
    """Another customer."""
    return shop.sign_up("Mallory Example")


@pytest.fixture(scope="module")
def yen(stack: Stack) -> Iterator[str]:
    """A product that is priced in a currency without a shipping tariff, as orders knows it."""
    sku = "SAKE-YEN"
    store = PriceStore(stack.client("dynamodb"), stack.resource("OrdersPricesTable"))
    store.record(Price(sku=sku, price=Money(amount=3000, currency="JPY"), active=True, version=1))
    yield sku
    stack.client("dynamodb").delete_item(
        TableName=stack.resource("OrdersPricesTable"), Key={"pk": {"S": sku}}
    )


def post(shop: Shop, customer: Customer, **request: Any) -> requests.Response:
    """`POST /orders`, with a fresh idempotency key unless headers are given."""
    given = {"headers": {"Idempotency-Key": str(uuid4())}, **request}
    return shop.request("POST", "/orders", token=customer.token, **given)


def cancel(shop: Shop, caller: Customer, order_id: str) -> requests.Response:
    """`POST /orders/{order_id}/cancel`."""
    return shop.request("POST", f"/orders/{order_id}/cancel", token=caller.token)


def become(shop: Shop, customer: Customer, order_id: str, *statuses: str) -> dict[str, Any]:
    """The order once it is in one of `statuses`."""

    def reached() -> dict[str, Any] | None:
        order = shop.order(customer, order_id)
        return order if order["status"] in statuses else None

    return wait_for(reached, f"order {order_id} to be {' or '.join(statuses)}", seconds=120)


def expect_problem(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that `answer` is; fails unless it is that one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["type"].endswith(f"/{code}")
    return problem


class TestPlacing:
    def test_an_order_is_broken_down_into_lines_shipping_and_tax(
        self, shop: Shop, customer: Customer
    ) -> None:
        answer = post(shop, customer, json=order_body(lines=[{"sku": TEA, "quantity": 2}]))

        assert answer.status_code == 201
        order = answer.json()
        assert order["breakdown"] == {
            "lines": {"amount": 1580, "currency": "EUR"},
            "shipping": {"amount": 490, "currency": "EUR"},
            "tax": {
                "country": "DE",
                "rate_basis_points": 1900,
                "amount": {"amount": 331, "currency": "EUR"},
            },
            "total": {"amount": 2070, "currency": "EUR"},
        }
        assert order["total"] == order["breakdown"]["total"]
        found = shop.request("GET", location(answer), token=customer.token)
        assert found.json()["order_id"] == order["order_id"]

    def test_two_requests_at_once_under_one_key_place_one_order(
        self, shop: Shop, auditor: Auditor, customer: Customer
    ) -> None:
        for _ in range(5):
            key, together = str(uuid4()), Barrier(2)

            def place(_: int, key: str = key, together: Barrier = together) -> requests.Response:
                together.wait(10)
                return shop.place(customer, {TEA: 1}, key=key)

            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(place, range(2)))

            assert [answer.status_code for answer in answers] == [201, 201]
            assert sorted(answer.headers["Idempotent-Replayed"] for answer in answers) == ["false", "true"]
            [order_id] = {answer.json()["order_id"] for answer in answers}
            become(shop, customer, order_id, *FINAL)
            assert len(auditor.order(order_id).intents) == 1, "charged once"

    def test_two_requests_at_once_under_one_key_with_two_bodies_place_one_of_them(
        self, shop: Shop, customer: Customer
    ) -> None:
        key, together = str(uuid4()), Barrier(2)

        def place(quantity: int) -> requests.Response:
            together.wait(10)
            return shop.place(customer, {TEA: quantity}, key=key)

        with ThreadPoolExecutor(2) as pool:
            answers = sorted(pool.map(place, (1, 2)), key=lambda answer: answer.status_code)

        assert answers[0].status_code == 201
        expect_problem(answers[1], 422, "idempotency-key-reused")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"lines": [{"sku": "NO-SUCH-TEA", "quantity": 1}]}, "unknown-sku"),
            ({"lines": [{"sku": TEA, "quantity": 1}] * 2}, "duplicate-sku"),
            ({"lines": [{"sku": "SAKE-YEN", "quantity": 1}]}, "currency-not-served"),
            (
                {"lines": [{"sku": "SAKE-YEN", "quantity": 1}, {"sku": TEA, "quantity": 1}]},
                "mixed-currencies",
            ),
            ({"lines": [{"sku": TEA, "quantity": 1}] * 51}, "invalid-request"),
            ({"payment_token": "pm\x00card"}, "invalid-request"),
            ({"payment_token": "\ud800"}, "invalid-request"),
            ({"coupon": "FREE"}, "invalid-request"),
        ],
    )
    def test_what_cannot_be_ordered_is_a_422_that_says_why(
        self, shop: Shop, customer: Customer, yen: str, changes: dict[str, Any], code: str
    ) -> None:
        body = json.dumps(order_body(**changes))
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        expect_problem(post(shop, customer, data=body, headers=headers), 422, code)

    @pytest.mark.parametrize(
        ("data", "media_type", "status", "code"),
        [
            ("{", "application/json", 400, "malformed-json"),
            ("<order/>", "application/xml", 415, "unsupported-media-type"),
            (json.dumps({"x": "x" * 65536}), "application/json", 413, "payload-too-large"),
        ],
    )
    def test_a_body_that_cannot_be_read_is_refused(
        self, shop: Shop, customer: Customer, data: str, media_type: str, status: int, code: str
    ) -> None:
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": media_type}
        expect_problem(post(shop, customer, data=data, headers=headers), status, code)

    def test_without_a_key_nothing_is_placed(self, shop: Shop, customer: Customer) -> None:
        problem = expect_problem(post(shop, customer, headers={}, json=order_body()), 422, "invalid-request")
        assert [error["pointer"] for error in problem["errors"]] == ["/header/idempotency-key"]


class TestReading:
    def test_an_order_is_its_customers_and_the_admins(
        self, shop: Shop, customer: Customer, stranger: Customer, admin: Customer
    ) -> None:
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        path = f"/orders/{order_id}"

        assert shop.request("GET", path, token=customer.token).json()["order_id"] == order_id
        assert shop.request("GET", path, token=admin.token).json()["order_id"] == order_id
        expect_problem(shop.request("GET", path, token=stranger.token), 404, "not-found")
        assert shop.request("GET", path).status_code == 401

    @pytest.mark.parametrize(
        "order_id", ["ord_none", "a%00b", "a%23b", "%F0%9F%98%80", "x" * 65, "a.b", "%ED%A0%80"]
    )
    def test_what_is_no_order_is_a_4xx(self, shop: Shop, customer: Customer, order_id: str) -> None:
        answer = shop.request("GET", f"/orders/{order_id}", token=customer.token)
        assert answer.status_code in {404, 422}
        assert answer.headers["Content-Type"] == "application/problem+json"


class TestListing:
    def test_own_orders_are_listed_by_status_and_by_page(self, shop: Shop, admin: Customer) -> None:
        buyer = shop.sign_up("Lister Example")
        placed = [shop.place(buyer, {TEA: 1}).json()["order_id"] for _ in range(4)]
        undelivered = shop.place(buyer, {TEA: 1}, country="AQ").json()["order_id"]
        for order_id in [*placed, undelivered]:
            become(shop, buyer, order_id, "confirmed", "rejected")

        def page(caller: Customer, **query: Any) -> dict[str, Any]:
            answer = shop.request("GET", "/orders", token=caller.token, params=query)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        def listed(caller: Customer, **query: Any) -> list[str]:
            ids: list[str] = []
            cursor: dict[str, str] = {}
            for _ in range(5):
                answer = page(caller, limit=2, **query, **cursor)
                ids += [order["order_id"] for order in answer["orders"]]
                if answer["next"] is None:
                    return ids
                cursor = {"cursor": answer["next"]}
            raise AssertionError("the list does not end")

        assert listed(buyer) == [undelivered, *placed[::-1]]
        assert listed(buyer, status="confirmed") == placed[::-1]
        assert listed(buyer, status="rejected") == [undelivered]
        assert listed(admin, customer_id=buyer.user_id, status="confirmed") == placed[::-1]

        cursor = page(buyer, limit=1, status="confirmed")["next"]
        other = shop.request("GET", "/orders", token=buyer.token, params={"cursor": cursor})
        expect_problem(other, 400, "invalid-cursor")

    def test_a_customer_lists_nobody_elses_orders(
        self, shop: Shop, customer: Customer, stranger: Customer
    ) -> None:
        answer = shop.request(
            "GET", "/orders", token=stranger.token, params={"customer_id": customer.user_id}
        )
        expect_problem(answer, 403, "forbidden")
        assert shop.request("GET", "/orders").status_code == 401

    @pytest.mark.parametrize(
        ("query", "status", "code"),
        [
            ("status=paid", 422, "invalid-request"),
            ("status=%00", 422, "invalid-request"),
            ("limit=0", 422, "invalid-request"),
            ("limit=" + "9" * 400, 422, "invalid-request"),
            ("customer_id=%00", 422, "invalid-request"),
            ("cursor=%00", 400, "invalid-cursor"),
            ("cursor=e30", 400, "invalid-cursor"),
            ("cursor=" + "x" * 2049, 422, "invalid-request"),
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused(
        self, shop: Shop, customer: Customer, query: str, status: int, code: str
    ) -> None:
        expect_problem(shop.request("GET", f"/orders?{query}", token=customer.token), status, code)


class TestCancelling:
    def test_a_confirmed_order_gives_back_its_parcel_its_money_and_its_stock(
        self, shop: Shop, auditor: Auditor, customer: Customer
    ) -> None:
        order_id = shop.place(customer, {TEA: 2}).json()["order_id"]
        become(shop, customer, order_id, "confirmed")
        assert auditor.order(order_id).held() > 0

        first, again = cancel(shop, customer, order_id), cancel(shop, customer, order_id)

        assert (first.status_code, first.json()["status"]) == (202, "cancelling")
        assert again.status_code == 202
        order = become(shop, customer, order_id, "cancelled", "parked")
        assert [entry["status"] for entry in order["history"]] == [
            "placed",
            "confirmed",
            "cancelling",
            "cancelled",
        ]
        found = auditor.order(order_id)
        assert found.held() == 0
        assert found.payment and found.payment["status"] in {"voided", "refunded"}
        assert found.shipment and found.shipment["status"] == "cancelled"
        assert found.reservation and found.reservation["status"] == "released"
        assert cancel(shop, customer, order_id).json() == order, "it stays as it is"

    def test_an_admin_cancels_for_a_customer_and_a_stranger_cancels_nothing(
        self, shop: Shop, customer: Customer, stranger: Customer, admin: Customer
    ) -> None:
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        become(shop, customer, order_id, "confirmed")

        expect_problem(cancel(shop, stranger, order_id), 404, "not-found")
        assert shop.request("POST", f"/orders/{order_id}/cancel").status_code == 401
        assert shop.order(customer, order_id)["status"] == "confirmed"

        assert cancel(shop, admin, order_id).status_code == 202
        assert become(shop, customer, order_id, "cancelled", "parked")["cancelled_by"] == "admin"

    def test_a_rejected_order_cannot_be_cancelled(self, shop: Shop, customer: Customer) -> None:
        order_id = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]
        become(shop, customer, order_id, "rejected")

        problem = expect_problem(cancel(shop, customer, order_id), 409, "cannot-be-cancelled")

        assert "rejected" in problem["detail"]

    def test_whenever_it_is_cancelled_an_order_ends_with_nothing_held(
        self, shop: Shop, auditor: Auditor, customer: Customer
    ) -> None:
        """Before, between and after the steps of the saga, twelve orders at once."""
        moments: list[Callable[[str], Any]] = [
            lambda _: True,
            lambda order_id: auditor.order(order_id).reservation,
            lambda order_id: auditor.order(order_id).payment,
            lambda order_id: shop.order(customer, order_id)["status"] in FINAL,
        ]

        def place_and_cancel(number: int) -> tuple[str, int]:
            order_id: str = shop.place(customer, {TEA: 1}).json()["order_id"]
            moment = moments[number % len(moments)]
            wait_for(lambda: moment(order_id), f"moment {number} of {order_id}", seconds=120)
            return order_id, cancel(shop, customer, order_id).status_code

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(place_and_cancel, range(12)))
        ended = {
            order_id: become(shop, customer, order_id, *FINAL - {"confirmed"}) for order_id, _ in answers
        }

        for order_id, status in answers:
            outcome = ended[order_id]["status"]
            assert (status, outcome) in {(202, "cancelled"), (409, "rejected")}
            found = auditor.order(order_id)
            assert found.held() == 0
            assert found.reservation is None or found.reservation["status"] == "released"
            assert found.shipment is None or found.shipment["status"] == "cancelled"
        assert [status for _, status in answers].count(202) >= len(moments)
        assert [
            wrong for wrong in auditor.audit().violations if any(order_id in wrong for order_id in ended)
        ] == []


def test_a_deleted_users_orders_lose_their_personal_data_and_no_others_follow(
    stack: Stack, shop: Shop, auditor: Auditor
) -> None:
    leaver = shop.sign_up("Leaver Example")
    order_id = shop.place(leaver, {TEA: 1}).json()["order_id"]
    become(shop, leaver, order_id, *FINAL)

    stack.client("sns").publish(
        TopicArn=topic_of(stack, "user.deleted"),
        Message=json.dumps(event("user.deleted", leaver.user_id, {"user_id": leaver.user_id})),
        MessageAttributes={"event_type": {"DataType": "String", "StringValue": "user.deleted"}},
    )
    order = wait_for(
        lambda: next(
            (item for item in auditor.order_items() if item["order_id"] == order_id and "erased_at" in item),
            None,
        ),
        f"the erasure of {order_id}",
        seconds=90,
    )

    stored = json.dumps(order)
    assert not any(
        text in stored for text in ("Ada Example", "Analytical", "Berlin", "10115", "pm_card_visa")
    )
    assert (order["shipping_address"]["country"], order["breakdown"]["total"]["amount"]) == ("DE", 790 + 490)
    expect_problem(shop.place(leaver, {TEA: 1}), 403, "account-closed")
