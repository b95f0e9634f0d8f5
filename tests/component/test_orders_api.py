"""Placing, reading, listing and cancelling orders, through the real handler, against a pretended DynamoDB."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orders.domain import Order, RejectionReason, order_id_for
from orders.placement import OrderRequest
from orders.pricing import TARIFFS, VAT_RATES, Price, ShippingTariff
from orders.store import OrderContended, OrderStore, PricesThrottled, PriceStore
from shared.aws import client
from shared.clock import utc_now
from tests.component.orders_account import ADDRESS, OrdersAccount, order_body, orders_account
from tests.component.rest_events import CORRELATION_ID, claims_of, header, json_body, rest_event

PROBLEMS = "https://cartwright.example/problems/"
EXAMPLE = Path(__file__).parents[2] / "events" / "orders_api.json"


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> OrdersAccount:
    account = orders_account(monkeypatch)
    account.sell("TEA", 790)
    account.sell("MUG", 1250)
    return account


class Client:
    """A customer's client of the API."""

    def __init__(self, context: Any, user_id: str, groups: str = "customer") -> None:
        self._context = context
        self._groups = groups
        self.user_id = user_id

    def place(self, body: Any, key: str | None = "key-1", **headers: str) -> dict[str, Any]:
        sent = {**headers, **({"Idempotency-Key": key} if key is not None else {})}
        return self.call("POST", "/orders", body=body, headers=sent)

    def read(self, order_id: str) -> dict[str, Any]:
        return self.call("GET", f"/orders/{order_id}")

    def list(self, **query: str) -> dict[str, Any]:
        return self.call("GET", "/orders", query=query or None)

    def cancel(self, order_id: str) -> dict[str, Any]:
        return self.call("POST", f"/orders/{order_id}/cancel")

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        from orders.api import handler

        event = rest_event(method, path, claims=claims_of(self.user_id, groups=self._groups), **request)
        answer = handler(event, self._context)
        assert header(answer, "X-Correlation-Id"), "every answer bears its correlation id"
        return answer


@pytest.fixture
def ada(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "ada")


@pytest.fixture
def eve(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "eve")


@pytest.fixture
def admin(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "root", groups="admin")


def change(order_id: str, *changes: Callable[[Order], tuple[Order, Any]]) -> None:
    """Does to the order what the saga or an operator does."""
    from orders.resources import order_store

    for each in changes:
        order_store().change(order_id, each)


def confirm(order: Order) -> tuple[Order, Any]:
    return order.confirm(utc_now())


def reject(order: Order) -> tuple[Order, Any]:
    return order.reject(RejectionReason.OUT_OF_STOCK, utc_now())


def park(order: Order) -> tuple[Order, Any]:
    return order.park("{}", utc_now())


def erase(order: Order) -> tuple[Order, Any]:
    return order.erase(utc_now())


def refused(answer: dict[str, Any], status: int, code: str) -> dict[str, Any]:
    """The problem that `answer` is; fails unless it is that one."""
    problem: dict[str, Any] = json_body(answer)
    assert (answer["statusCode"], problem["type"]) == (status, PROBLEMS + code), problem
    assert header(answer, "Content-Type") == "application/problem+json"
    assert problem["status"] == status
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


class TestPlacing:
    def test_a_quantity_without_a_fraction_is_a_whole_number(self, ada: Client) -> None:
        answer = ada.place(order_body(("TEA", 2.0)))
        assert (answer["statusCode"], json_body(answer)["lines"][0]["quantity"]) == (201, 2)

    def test_an_order_is_placed_at_the_projections_prices(self, ada: Client) -> None:
        answer = ada.place(order_body(("TEA", 2), ("MUG", 1)))

        assert answer["statusCode"] == 201
        order = json_body(answer)
        assert order["status"] == "placed"
        assert order["total"] == {"amount": 3320, "currency": "EUR"}
        assert order["breakdown"] == {
            "lines": {"amount": 2830, "currency": "EUR"},
            "shipping": {"amount": 490, "currency": "EUR"},
            "tax": {
                "country": "DE",
                "rate_basis_points": 1900,
                "amount": {"amount": 530, "currency": "EUR"},
            },
            "total": {"amount": 3320, "currency": "EUR"},
        }
        assert [(line["unit_price"]["amount"], line["total"]["amount"]) for line in order["lines"]] == [
            (790, 1580),
            (1250, 1250),
        ]
        assert header(answer, "Location") == f"/orders/{order['order_id']}"
        assert header(answer, "Idempotent-Replayed") == "false"

    def test_the_order_and_its_event_are_one_item(self, account: OrdersAccount, ada: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]

        stored = account.order(order_id)

        assert (stored["customer_id"], stored["status"], stored["version"]) == ("ada", "placed", 1)
        [event] = stored["outbox"]
        assert (event["event_type"], event["correlation_id"]) == ("order.placed", CORRELATION_ID)
        assert event["data"]["order"]["total"] == {"amount": 2070, "currency": "EUR"}

    def test_what_is_internal_stays_inside(self, ada: Client) -> None:
        answer = ada.place(order_body(("TEA", 2)))

        assert "pm_card_visa" not in answer["body"]
        assert not {"payment_token", "request_fingerprint", "customer_id", "version"} & set(json_body(answer))

    def test_a_later_price_leaves_a_placed_order_as_it_is(self, account: OrdersAccount, ada: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]
        account.sell("TEA", 990, version=2)

        assert json_body(ada.read(order_id))["total"]["amount"] == 1580 + 490
        assert json_body(ada.place(order_body(("TEA", 2)), key="key-2"))["total"]["amount"] == 1980 + 490

    def test_an_order_keeps_the_breakdown_it_was_placed_with(
        self, account: OrdersAccount, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))
        monkeypatch.setitem(TARIFFS, "EUR", ShippingTariff(home=1, elsewhere=2, free_from=3))
        monkeypatch.setitem(VAT_RATES, "DE", 5000)

        assert json_body(ada.read(placed["order_id"])) == placed

    def test_products_in_a_currency_that_nothing_is_shipped_for_are_refused(
        self, account: OrdersAccount, ada: Client
    ) -> None:
        account.sell("SAKE", 3000, currency="JPY")
        refused(ada.place(order_body(("SAKE", 1))), 422, "currency-not-served")
        assert account.orders() == []

    def test_products_in_two_currencies_are_refused(self, account: OrdersAccount, ada: Client) -> None:
        account.sell("SAKE", 3000, currency="JPY")
        refused(ada.place(order_body(("SAKE", 1), ("TEA", 1))), 422, "mixed-currencies")

    def test_an_account_that_was_closed_places_nothing_though_its_token_is_still_valid(
        self, account: OrdersAccount, ada: Client, eve: Client
    ) -> None:
        from orders.resources import order_store

        before = json_body(ada.place(order_body(("TEA", 1)), key="before"))
        order_store().close_account("ada", "2026-11-21T10:15:00.000Z")

        refused(ada.place(order_body(("TEA", 1)), key="after"), 403, "account-closed")
        refused(ada.place(order_body(("TEA", 1)), key="before"), 403, "account-closed")

        assert account.orders() == [before["order_id"]]
        assert eve.place(order_body(("TEA", 1)))["statusCode"] == 201

    def test_half_an_answer_about_the_order_and_the_account_is_a_503(
        self, account: OrdersAccount, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = client("dynamodb").batch_get_item

        def half(**asked: Any) -> Any:
            left = (
                {"orders": {"Keys": [{"pk": {"S": "customer#ada"}}]}}
                if "orders" in asked["RequestItems"]
                else {}
            )
            return {**read(**asked), "UnprocessedKeys": left}

        monkeypatch.setattr(client("dynamodb"), "batch_get_item", half)

        refused(ada.place(order_body(("TEA", 1))), 503, "temporarily-unavailable")

        assert account.orders() == []

    def test_products_that_are_not_sold_are_named(self, account: OrdersAccount, ada: Client) -> None:
        account.sell("OLD", 100, active=False)

        problem = refused(ada.place(order_body(("TEA", 1), ("OLD", 1), ("NOPE", 1))), 422, "unknown-sku")

        assert pointers(problem) == ["/body/lines/1/sku", "/body/lines/2/sku"]
        assert account.orders() == []

    def test_prices_that_cannot_be_read_just_now_are_a_503(
        self, account: OrdersAccount, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def throttled(self: PriceStore, skus: set[str]) -> dict[str, Price]:
            raise PricesThrottled(", ".join(skus))

        monkeypatch.setattr(PriceStore, "prices_of", throttled)

        refused(ada.place(order_body(("TEA", 1))), 503, "temporarily-unavailable")

        assert account.orders() == []


class TestRetrying:
    def test_a_retry_with_the_same_key_answers_with_the_same_order(
        self, account: OrdersAccount, ada: Client
    ) -> None:
        first = ada.place(order_body(("TEA", 2)))
        stored = account.order(json_body(first)["order_id"])
        account.sell("TEA", 990, version=2)

        again = ada.place(order_body(("TEA", 2)))

        assert again["statusCode"] == 201
        assert json_body(again) == json_body(first)
        assert header(again, "Idempotent-Replayed") == "true"
        assert account.orders() == [stored["pk"]]
        assert account.order(stored["pk"]) == stored

    def test_two_equal_orders_under_two_keys_are_two_orders(
        self, account: OrdersAccount, ada: Client
    ) -> None:
        ada.place(order_body(("TEA", 2)), key="key-1")
        ada.place(order_body(("TEA", 2)), key="key-2")
        assert len(account.orders()) == 2

    def test_the_same_key_of_another_customer_is_another_order(self, ada: Client, eve: Client) -> None:
        hers = json_body(ada.place(order_body(("TEA", 2))))
        others = json_body(eve.place(order_body(("TEA", 2))))
        assert hers["order_id"] != others["order_id"]

    def test_the_same_key_with_another_body_is_refused(self, account: OrdersAccount, ada: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]
        stored = account.order(order_id)

        refused(ada.place(order_body(("TEA", 3))), 422, "idempotency-key-reused")

        assert account.orders() == [order_id]
        assert account.order(order_id) == stored

    def test_a_retry_succeeds_though_the_product_is_sold_no_more(
        self, account: OrdersAccount, ada: Client
    ) -> None:
        first = ada.place(order_body(("TEA", 2)))
        account.sell("TEA", 790, version=2, active=False)
        assert json_body(ada.place(order_body(("TEA", 2)))) == json_body(first)

    def test_the_name_of_the_header_is_read_in_any_case(self, account: OrdersAccount, ada: Client) -> None:
        """HTTP/2 clients send names in lower case."""
        ada.place(order_body(("TEA", 2)))
        ada.place(order_body(("TEA", 2)), key=None, **{"idempotency-key": "key-1"})
        assert len(account.orders()) == 1


class TestRacing:
    """Two placements under one key, of which both have found that there is no order yet."""

    @pytest.fixture
    def rival(
        self, account: OrdersAccount, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Lets a rival's placement come through while the next one is being priced."""
        from orders.resources import order_store

        read_prices = PriceStore.prices_of
        rivals: list[dict[str, Any]] = []

        def prices_of(store: PriceStore, skus: set[str]) -> dict[str, Price]:
            prices = read_prices(store, skus)
            for body in rivals:
                order, events = Order.place(
                    OrderRequest.model_validate(body),
                    prices,
                    customer_id=ada.user_id,
                    idempotency_key="key-1",
                    correlation_id="rival",
                    now=datetime(2026, 11, 21, 10, 15, tzinfo=UTC),
                )
                assert order_store().add(order, events) is order
            return prices

        monkeypatch.setattr(PriceStore, "prices_of", prices_of)
        yield rivals.append
        assert account.order(order_id_for("ada", "key-1"))["correlation_id"] == "rival"
        assert len(account.orders()) == 1

    def test_the_loser_answers_with_the_winners_order(
        self, ada: Client, rival: Callable[[dict[str, Any]], None]
    ) -> None:
        rival(order_body(("TEA", 2)))

        answer = ada.place(order_body(("TEA", 2)))

        assert answer["statusCode"] == 201
        assert json_body(answer)["placed_at"] == "2026-11-21T10:15:00.000Z"
        assert header(answer, "Idempotent-Replayed") == "true"

    def test_the_loser_with_another_body_is_refused(
        self, ada: Client, rival: Callable[[dict[str, Any]], None]
    ) -> None:
        rival(order_body(("TEA", 2)))
        refused(ada.place(order_body(("TEA", 3))), 422, "idempotency-key-reused")


class TestBadPlacements:
    """Whatever a client sends is its own fault: never a 5xx, and nothing is stored."""

    @pytest.fixture(autouse=True)
    def nothing_is_stored(self, account: OrdersAccount) -> Iterator[None]:
        yield
        assert account.orders() == []

    @pytest.mark.parametrize(
        "body",
        ["{", "tea, please", '{"lines": [,]}', "[" * 60_000, '{"lines": ' + "9" * 5000 + "}"],
        ids=["cut off", "prose", "comma", "too deep", "too long a number"],
    )
    def test_a_body_that_cannot_be_read_is_a_400(self, ada: Client, body: str) -> None:
        refused(ada.place(body), 400, "malformed-json")

    @pytest.mark.parametrize("body", [None, "", "null", "[]", "1", '"tea"'])
    def test_a_body_that_is_no_object_is_a_422(self, ada: Client, body: str | None) -> None:
        assert pointers(refused(ada.place(body), 422, "invalid-request")) == ["/body"]

    def test_another_media_type_is_a_415(self, ada: Client) -> None:
        answer = ada.place("<order/>", **{"Content-Type": "application/xml"})
        refused(answer, 415, "unsupported-media-type")

    @pytest.mark.parametrize("quantity", [0, -1, 1000, True, 1.5, "2", None, 10**400, [], {}])
    def test_a_quantity_is_a_whole_number_from_1_to_999(self, ada: Client, quantity: Any) -> None:
        problem = refused(ada.place(order_body(("TEA", quantity))), 422, "invalid-request")
        assert pointers(problem) == ["/body/lines/0/quantity"]

    @pytest.mark.parametrize("count", [0, 51])
    def test_an_order_has_1_to_50_lines(self, ada: Client, count: int) -> None:
        body = order_body(*((f"SKU-{number}", 1) for number in range(count)))
        assert pointers(refused(ada.place(body), 422, "invalid-request")) == ["/body/lines"]

    def test_a_product_may_appear_on_one_line_only(self, ada: Client) -> None:
        problem = refused(ada.place(order_body(("TEA", 1), ("TEA", 2))), 422, "duplicate-sku")
        assert pointers(problem) == ["/body/lines/1/sku"]

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (order_body(("TEA", 1), total=1), "/body/total"),
            (order_body(lines=[{"sku": "TEA", "quantity": 1, "price": 1}]), "/body/lines/0/price"),
            (
                order_body(("TEA", 1), shipping_address={**ADDRESS, "planet": "Mars"}),
                "/body/shipping_address/planet",
            ),
        ],
    )
    def test_an_unknown_field_is_named(self, ada: Client, body: dict[str, Any], pointer: str) -> None:
        assert pointers(refused(ada.place(body), 422, "invalid-request")) == [pointer]

    @pytest.mark.parametrize("country", ["Germany", "de", "D", "", None])
    def test_a_country_is_an_iso_code(self, ada: Client, country: str | None) -> None:
        body = order_body(("TEA", 1), shipping_address={**ADDRESS, "country": country})
        assert pointers(refused(ada.place(body), 422, "invalid-request")) == [
            "/body/shipping_address/country"
        ]

    def test_text_that_is_no_unicode_is_named(self, ada: Client) -> None:
        body = json.dumps(order_body(("TEA", 1), payment_token="\ud800"))
        assert pointers(refused(ada.place(body), 422, "invalid-request")) == ["/body/payment_token"]

    @pytest.mark.parametrize("key", [None, "", "k" * 256])
    def test_the_problem_names_the_idempotency_key_header(self, ada: Client, key: str | None) -> None:
        problem = refused(ada.place(order_body(("TEA", 1)), key=key), 422, "invalid-request")
        assert pointers(problem) == ["/header/idempotency-key"]

    def test_without_a_token_it_is_a_401(self, lambda_context: Any) -> None:
        from orders.api import handler

        event = rest_event(
            "POST", "/orders", body=order_body(("TEA", 1)), headers={"Idempotency-Key": "key-1"}
        )
        refused(handler(event, lambda_context), 401, "unauthorized")


class TestReading:
    def test_a_customer_reads_an_order_with_its_history(self, ada: Client) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))

        answer = ada.read(placed["order_id"])

        assert answer["statusCode"] == 200
        assert json_body(answer) == placed
        assert [entry["status"] for entry in placed["history"]] == ["placed"]

    def test_someone_elses_order_does_not_exist(self, ada: Client, eve: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]

        others = eve.read(order_id)

        refused(others, 404, "not-found")
        assert others["body"] == eve.read("ord_none")["body"], (
            "an order that exists must look like one that does not"
        )

    @pytest.mark.parametrize("order_id", ["x" * 65, "ord 1", "ord.1", "é", "a@b"])
    def test_an_id_that_no_order_could_have_is_refused(self, ada: Client, order_id: str) -> None:
        assert pointers(refused(ada.read(order_id), 422, "invalid-request")) == ["/path/order_id"]

    @pytest.mark.parametrize("order_id", ["a\x00b", "customer#ada", "\ud800"])
    def test_what_cannot_stand_in_a_path_is_not_found(
        self, account: OrdersAccount, ada: Client, order_id: str
    ) -> None:
        from orders.resources import order_store

        order_store().close_account("ada", "2026-11-21T10:15:00.000Z")
        refused(ada.read(order_id), 404, "not-found")

    def test_an_admin_reads_anybodys_order(self, ada: Client, admin: Client) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))
        assert json_body(admin.read(placed["order_id"])) == placed

    def test_an_erased_order_shows_what_is_left_of_it(self, ada: Client) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))
        change(placed["order_id"], erase)

        erased = json_body(ada.read(placed["order_id"]))

        assert erased.pop("erased_at")
        assert erased.pop("shipping_address") == {
            "name": "",
            "line1": "",
            "line2": None,
            "city": "",
            "postal_code": "",
            "country": "DE",
        }
        assert erased == {
            name: value for name, value in placed.items() if name not in {"shipping_address", "erased_at"}
        }

    @pytest.mark.parametrize("known", [True, False])
    def test_without_a_token_nothing_is_told(self, ada: Client, lambda_context: Any, known: bool) -> None:
        from orders.api import handler

        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"] if known else "ord_none"
        refused(handler(rest_event("GET", f"/orders/{order_id}"), lambda_context), 401, "unauthorized")


class TestListing:
    @pytest.fixture
    def placed(self, ada: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The ids of five orders of Ada's, the newest first, placed a second apart."""
        ids = []
        for number in range(5):
            moment = datetime(2026, 11, 21, 10, 15, number, tzinfo=UTC)
            monkeypatch.setattr("orders.api.utc_now", lambda moment=moment: moment)
            ids.append(json_body(ada.place(order_body(("TEA", 1)), key=f"key-{number}"))["order_id"])
        return ids[::-1]

    def test_pages_hold_every_order_once_and_the_newest_first(self, ada: Client, placed: list[str]) -> None:
        pages: list[list[str]] = []
        query = {"limit": "2"}
        while len(pages) < len(placed):
            page = json_body(ada.list(**query))
            pages.append([order["order_id"] for order in page["orders"]])
            if page["next"] is None:
                break
            query["cursor"] = page["next"]

        assert pages == [placed[:2], placed[2:4], placed[4:]]

    def test_orders_of_the_same_moment_are_not_lost_between_pages(
        self, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orders.api.utc_now", lambda: datetime(2026, 11, 21, tzinfo=UTC))
        ids = {json_body(ada.place(order_body(("TEA", 1)), key=key))["order_id"] for key in ("a", "b", "c")}

        first = json_body(ada.list(limit="2"))
        second = json_body(ada.list(limit="2", cursor=first["next"]))

        assert {order["order_id"] for page in (first, second) for order in page["orders"]} == ids

    def test_an_order_that_is_placed_meanwhile_moves_no_page(
        self, ada: Client, placed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cursor = json_body(ada.list(limit="2"))["next"]
        monkeypatch.setattr(
            "orders.api.utc_now", lambda: datetime(2026, 11, 21, 10, 15, tzinfo=UTC) + timedelta(hours=1)
        )
        ada.place(order_body(("TEA", 1)), key="meanwhile")

        page = json_body(ada.list(limit="2", cursor=cursor))

        assert [order["order_id"] for order in page["orders"]] == placed[2:4]

    @pytest.mark.usefixtures("placed")
    def test_a_customer_lists_own_orders_only(self, eve: Client) -> None:
        assert json_body(eve.list()) == {"orders": [], "next": None}

    def test_orders_in_one_status_are_listed_by_page(self, ada: Client, placed: list[str]) -> None:
        for order_id in (placed[0], placed[2], placed[4]):
            change(order_id, confirm)

        first = json_body(ada.list(status="confirmed", limit="2"))
        second = json_body(ada.list(status="confirmed", limit="2", cursor=first["next"]))

        listed = [[order["order_id"] for order in page["orders"]] for page in (first, second)]
        assert listed == [[placed[0], placed[2]], [placed[4]]]
        assert second["next"] is None
        assert [order["order_id"] for order in json_body(ada.list(status="placed"))["orders"]] == [
            placed[1],
            placed[3],
        ]
        assert json_body(ada.list(status="cancelled"))["orders"] == []

    def test_an_order_that_leaves_the_status_meanwhile_moves_no_page(
        self, ada: Client, placed: list[str]
    ) -> None:
        """Not even when it is the one that the page ended at."""
        page = json_body(ada.list(status="placed", limit="2"))
        change(placed[1], confirm)

        following = json_body(ada.list(status="placed", limit="2", cursor=page["next"]))

        assert [order["order_id"] for order in following["orders"]] == placed[2:4]

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize(
        ("of", "used_on"),
        [
            ({}, {"status": "placed"}),
            ({"status": "placed"}, {}),
            ({"status": "placed"}, {"status": "confirmed"}),
        ],
    )
    def test_a_cursor_of_another_list_is_a_400(
        self, ada: Client, of: dict[str, str], used_on: dict[str, str]
    ) -> None:
        cursor = json_body(ada.list(limit="1", **of))["next"]
        refused(ada.list(cursor=cursor, **used_on), 400, "invalid-cursor")

    @pytest.mark.parametrize("status", ["", "paid", "PLACED", "placed\x00", "\ud800"])
    def test_an_unknown_status_is_named(self, ada: Client, status: str) -> None:
        assert pointers(refused(ada.list(status=status), 422, "invalid-request")) == ["/query/status"]

    def test_an_admin_lists_anybodys_orders_by_page(
        self, ada: Client, admin: Client, placed: list[str]
    ) -> None:
        first = json_body(admin.list(customer_id="ada", limit="3"))
        second = json_body(admin.list(customer_id="ada", limit="3", cursor=first["next"]))

        assert [order["order_id"] for page in (first, second) for order in page["orders"]] == placed
        assert json_body(admin.list())["orders"] == [], "an admin's own orders"

    @pytest.mark.usefixtures("placed")
    def test_a_customer_lists_nobody_elses_orders(self, eve: Client) -> None:
        refused(eve.list(customer_id="ada"), 403, "forbidden")
        refused(eve.list(customer_id="nobody"), 403, "forbidden")
        assert eve.list(customer_id="eve")["statusCode"] == 200

    @pytest.mark.parametrize("customer", ["", "a b", "a\x00", "é", "x" * 129, "\ud800"])
    def test_a_customers_id_is_plain_text(self, admin: Client, customer: str) -> None:
        problem = refused(admin.list(customer_id=customer), 422, "invalid-request")
        assert pointers(problem) == ["/query/customer_id"]

    @pytest.mark.usefixtures("placed")
    def test_someone_elses_cursor_is_a_400(self, ada: Client, eve: Client) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        refused(eve.list(cursor=cursor), 400, "invalid-cursor")

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize(
        "forged",
        [
            {"pk": "ord_1"},
            {"placed_at": "x"},
            {"placed_at": "x" * 1025},
            {"placed_at": 1},
            {"placed_at": "2026-11-21T10:15:00.000Z\n"},
            {"pk": "\ud800"},
            {"pk": "customer#ada"},
            {"more": "x"},
            {"list": "x"},
        ],
    )
    def test_a_forged_cursor_is_a_400(self, ada: Client, forged: dict[str, Any]) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        position = json.loads(base64.urlsafe_b64decode(cursor + "=="))
        cursor = base64.urlsafe_b64encode(json.dumps(position | forged).encode()).decode().rstrip("=")
        assert pointers(refused(ada.list(cursor=cursor), 400, "invalid-cursor")) == ["/query/cursor"]

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize(
        "tamper", [lambda cursor: cursor[:-3], lambda cursor: "!" + cursor, lambda _: ""]
    )
    def test_a_tampered_cursor_is_a_400(self, ada: Client, tamper: Callable[[str], str]) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        refused(ada.list(cursor=tamper(cursor)), 400, "invalid-cursor")

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "many", ""])
    def test_a_limit_is_a_whole_number_from_1_to_100(self, ada: Client, limit: str) -> None:
        assert pointers(refused(ada.list(limit=limit), 422, "invalid-request")) == ["/query/limit"]


class TestCancelling:
    @pytest.fixture
    def order_id(self, ada: Client) -> str:
        return str(json_body(ada.place(order_body(("TEA", 2))))["order_id"])

    def test_an_order_that_is_being_decided_on_is_cancelled_by_its_saga(
        self, account: OrdersAccount, ada: Client, order_id: str
    ) -> None:
        answer = ada.cancel(order_id)

        assert answer["statusCode"] == 202
        order = json_body(answer)
        assert (order["status"], order["cancelled_by"]) == ("cancelling", "customer")
        assert [entry["status"] for entry in order["history"]] == ["placed", "cancelling"]
        assert account.order(order_id)["outbox"] == [], "the saga undoes it, so nobody else is told"

    def test_a_confirmed_order_is_cancelled_by_what_its_event_starts(
        self, account: OrdersAccount, ada: Client, order_id: str
    ) -> None:
        change(order_id, confirm)

        answer = ada.cancel(order_id)

        assert (answer["statusCode"], json_body(answer)["status"]) == (202, "cancelling")
        [event] = account.order(order_id)["outbox"]
        assert event["event_type"] == "order.cancellation_requested"
        assert event["data"]["by"] == "customer"

    @pytest.mark.parametrize("changes", [[], [confirm], [reject]])
    def test_asking_again_answers_the_same_and_tells_nothing_twice(
        self, account: OrdersAccount, ada: Client, order_id: str, changes: list[Any]
    ) -> None:
        """While it is being cancelled, and (with what `reject` makes of it) once it is."""
        if changes == [confirm]:
            change(order_id, confirm)
        ada.cancel(order_id)
        if changes == [reject]:
            change(order_id, reject)
        stored = account.order(order_id)

        again = ada.cancel(order_id)

        assert again["statusCode"] == 202
        assert json_body(again)["status"] == ("cancelled" if changes == [reject] else "cancelling")
        assert account.order(order_id) == stored

    @pytest.mark.parametrize(("end", "status"), [(reject, "rejected"), (park, "parked")])
    def test_an_order_that_has_come_to_another_end_cannot_be_cancelled(
        self, account: OrdersAccount, ada: Client, order_id: str, end: Any, status: str
    ) -> None:
        change(order_id, end)
        stored = account.order(order_id)

        problem = refused(ada.cancel(order_id), 409, "cannot-be-cancelled")

        assert status in problem["detail"]
        assert account.order(order_id) == stored

    def test_an_admin_cancels_for_the_customer_and_that_is_told(
        self, account: OrdersAccount, ada: Client, admin: Client, order_id: str
    ) -> None:
        assert json_body(admin.cancel(order_id))["cancelled_by"] == "admin"
        change(order_id, reject)
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
        from orders.api import handler

        refused(
            handler(rest_event("POST", f"/orders/{order_id}/cancel"), lambda_context), 401, "unauthorized"
        )

    @pytest.mark.parametrize(("first", "told"), [(confirm, ["order.cancellation_requested"]), (erase, [])])
    def test_a_change_that_comes_in_between_is_not_lost(
        self, ada: Client, order_id: str, monkeypatch: pytest.MonkeyPatch, first: Any, told: list[str]
    ) -> None:
        """The cancellation is decided anew on what the order has become."""
        overtake(monkeypatch, order_id, first)

        assert json_body(ada.cancel(order_id))["status"] == "cancelling"

        stored = OrdersAccount().order(order_id)
        assert [event["event_type"] for event in stored["outbox"]] == told
        assert stored["version"] == 3

    def test_a_cancellation_that_loses_against_the_rejection_is_refused(
        self, account: OrdersAccount, ada: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        overtake(monkeypatch, order_id, reject)
        refused(ada.cancel(order_id), 409, "cannot-be-cancelled")
        assert account.order(order_id)["status"] == "rejected"

    def test_an_order_that_others_keep_changing_is_a_503(
        self, ada: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def contended(self: OrderStore, order_id: str, change: Any) -> Order:
            raise OrderContended(order_id)

        monkeypatch.setattr(OrderStore, "change", contended)
        refused(ada.cancel(order_id), 503, "temporarily-unavailable")


class TestAttention:
    """What operators see of the orders that came to no end, and what they do about a parked one."""

    @pytest.fixture
    def order_id(self, ada: Client) -> str:
        return str(json_body(ada.place(order_body(("TEA", 2))))["order_id"])

    def listed(self, admin: Client, **query: str) -> dict[str, list[str]]:
        answer = admin.call("GET", "/orders/attention", query=query or None)
        assert answer["statusCode"] == 200, answer
        return {kind: [entry["order_id"] for entry in entries] for kind, entries in json_body(answer).items()}

    def test_a_parked_order_is_listed_until_it_is_resumed(self, admin: Client, order_id: str) -> None:
        change(order_id, park)
        assert self.listed(admin) == {"parked": [order_id], "stuck": []}

        admin.call("POST", f"/orders/{order_id}/resume")

        assert self.listed(admin) == {"parked": [], "stuck": []}

    def test_an_order_is_stuck_when_it_is_under_way_for_longer_than_it_takes(
        self, admin: Client, order_id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert self.listed(admin)["stuck"] == []

        monkeypatch.setattr("orders.api.utc_now", lambda: utc_now() + timedelta(minutes=6))

        assert self.listed(admin)["stuck"] == [order_id]
        change(order_id, confirm)
        assert self.listed(admin)["stuck"] == []

    def test_those_that_wait_the_longest_come_first(self, ada: Client, admin: Client) -> None:
        ids = [json_body(ada.place(order_body(("TEA", 1)), key=f"key-{n}"))["order_id"] for n in range(3)]
        for minutes, order_id in zip((2, 3, 1), ids, strict=True):
            change(order_id, partial(Order.park, state="{}", now=utc_now() - timedelta(minutes=minutes)))

        assert self.listed(admin, limit="2")["parked"] == [ids[1], ids[0]]

    def test_a_resumption_is_told_to_what_undoes_the_order(
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

    @pytest.mark.parametrize("changes", [[], [confirm], [reject]])
    def test_an_order_that_is_not_parked_cannot_be_resumed(
        self, account: OrdersAccount, admin: Client, order_id: str, changes: list[Any]
    ) -> None:
        change(order_id, *changes)
        stored = account.order(order_id)
        refused(admin.call("POST", f"/orders/{order_id}/resume"), 409, "cannot-be-resumed")
        assert account.order(order_id) == stored

    def test_an_order_that_there_is_not_is_a_404(self, admin: Client) -> None:
        refused(admin.call("POST", "/orders/ord_none/resume"), 404, "not-found")

    def test_neither_is_for_customers(self, account: OrdersAccount, ada: Client, order_id: str) -> None:
        change(order_id, park)
        stored = account.order(order_id)
        refused(ada.call("GET", "/orders/attention"), 403, "forbidden")
        refused(ada.call("POST", f"/orders/{order_id}/resume"), 403, "forbidden")
        assert account.order(order_id) == stored


def overtake(monkeypatch: pytest.MonkeyPatch, order_id: str, first: Any) -> None:
    """Lets `first` happen to the order between the reading and the writing of its next change."""
    from orders.resources import order_store

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


def test_the_example_event_places_an_order(account: OrdersAccount, lambda_context: Any) -> None:
    from orders.api import handler

    account.sell("TEA-ASSAM-100", 790)
    account.sell("TEA-INFUSER-ST", 1250)

    answer = handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert answer["statusCode"] == 201, answer["body"]
