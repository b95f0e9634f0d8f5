"""Placing, reading and listing orders, through the real handler, against a pretended DynamoDB."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orders.domain import Order, OrderRequest, Price, order_id_for
from orders.store import PricesThrottled, PriceStore
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

    def __init__(self, context: Any, user_id: str) -> None:
        self._context = context
        self.user_id = user_id

    def place(self, body: Any, key: str | None = "key-1", **headers: str) -> dict[str, Any]:
        sent = {**headers, **({"Idempotency-Key": key} if key is not None else {})}
        return self.call("POST", "/orders", body=body, headers=sent)

    def read(self, order_id: str) -> dict[str, Any]:
        return self.call("GET", f"/orders/{order_id}")

    def list(self, **query: str) -> dict[str, Any]:
        return self.call("GET", "/orders", query=query or None)

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        from orders.api import handler

        event = rest_event(method, path, claims=claims_of(self.user_id), **request)
        answer = handler(event, self._context)
        assert header(answer, "X-Correlation-Id"), "every answer bears its correlation id"
        return answer


@pytest.fixture
def ada(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "ada")


@pytest.fixture
def eve(account: OrdersAccount, lambda_context: Any) -> Client:
    return Client(lambda_context, "eve")


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
    def test_an_order_is_placed_at_the_projections_prices(self, ada: Client) -> None:
        answer = ada.place(order_body(("TEA", 2), ("MUG", 1)))

        assert answer["statusCode"] == 201
        order = json_body(answer)
        assert order["status"] == "placed"
        assert order["total"] == {"amount": 2830, "currency": "EUR"}
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
        assert event["data"]["order"]["total"] == {"amount": 1580, "currency": "EUR"}

    def test_what_is_internal_stays_inside(self, ada: Client) -> None:
        answer = ada.place(order_body(("TEA", 2)))

        assert "pm_card_visa" not in answer["body"]
        assert not {"payment_token", "request_fingerprint", "customer_id", "version"} & set(json_body(answer))

    def test_a_later_price_leaves_a_placed_order_as_it_is(self, account: OrdersAccount, ada: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]
        account.sell("TEA", 990, version=2)

        assert json_body(ada.read(order_id))["total"]["amount"] == 1580
        assert json_body(ada.place(order_body(("TEA", 2)), key="key-2"))["total"]["amount"] == 1980

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

    @pytest.mark.parametrize("quantity", [0, -1, 1000, True, 1.5, 1.0, "2", None, 10**400, [], {}])
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

    def test_an_id_that_no_order_could_have_is_refused(self, ada: Client) -> None:
        refused(ada.read("x" * 65), 422, "invalid-request")

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

    @pytest.mark.usefixtures("placed")
    def test_someone_elses_cursor_opens_none_of_their_orders(self, ada: Client, eve: Client) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        assert json_body(eve.list(cursor=cursor)) == {"orders": [], "next": None}

    @pytest.mark.parametrize(
        "position",
        [{"pk": "ord_1"}, {"pk": "ord_1", "placed_at": 1}, {"pk": "\ud800", "placed_at": "x"}, ["pk"]],
    )
    def test_a_forged_cursor_is_a_400(self, ada: Client, position: Any) -> None:
        cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
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


def test_the_example_event_places_an_order(account: OrdersAccount, lambda_context: Any) -> None:
    from orders.api import handler

    account.sell("TEA-ASSAM-100", 790)
    account.sell("MUG-BLUE", 1250)

    answer = handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert answer["statusCode"] == 201, answer["body"]
