"""Placing orders, through the real handler, against a pretended DynamoDB."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest

from orders.adapters.price_store import PriceStore
from orders.domain.order import Order, order_id_for
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import TARIFFS, VAT_RATES, Price, ShippingTariff
from shared.aws import client
from shared.versioned_table import Throttled
from tests.component.orders.account import ADDRESS, OrdersAccount, order_body
from tests.component.orders.client import Client, pointers, refused
from tests.component.rest_events import CORRELATION_ID, header, json_body, rest_event

EXAMPLE = Path(__file__).parents[3] / "events" / "orders_api.json"


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
        assert header(answer, "Location") == f"/test/orders/{order['order_id']}"
        assert header(answer, "Idempotent-Replayed") == "false"

    def test_the_order_and_its_event_are_one_item(self, account: OrdersAccount, ada: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]

        stored = account.order(order_id)

        assert (stored["customer_id"], stored["status"], stored["version"]) == ("ada", "placed", 1)
        [event] = stored["outbox"]
        assert (event["event_type"], event["correlation_id"]) == ("order.placed", CORRELATION_ID)
        assert event["data"]["total"] == {"amount": 2070, "currency": "EUR"}

    def test_an_item_leaves_out_what_has_its_default(self, account: OrdersAccount, ada: Client) -> None:
        stored = account.order(json_body(ada.place(order_body(("TEA", 2))))["order_id"])

        optional = {
            name
            for name, parameter in signature(Order).parameters.items()
            if parameter.default is not Parameter.empty
        }
        assert not stored.keys() & optional

    def test_internal_fields_stay_inside(self, ada: Client) -> None:
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
        from orders.dependencies import order_store

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
        monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)

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
            raise Throttled(", ".join(skus))

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
    """Two placements under one key; both have found no order yet."""

    @pytest.fixture
    def rival(
        self, account: OrdersAccount, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Lets a rival's placement come through while the next one is being priced."""
        from orders.dependencies import order_store

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
    """A bad request is the client's own fault: never a 5xx, and nothing is stored."""

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
        from orders.functions.api import handler

        event = rest_event(
            "POST", "/orders", body=order_body(("TEA", 1)), headers={"Idempotency-Key": "key-1"}
        )
        refused(handler(event, lambda_context), 401, "unauthorized")


def test_the_example_event_places_an_order(account: OrdersAccount, lambda_context: Any) -> None:
    from orders.functions.api import handler

    account.sell("TEA-ASSAM-100", 790)
    account.sell("TEA-INFUSER-ST", 1250)

    answer = handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert answer["statusCode"] == 201, answer["body"]
