"""Placing an order: the request, the price, and the id."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orders.domain.order import order_id_for
from orders.domain.order_request import MAX_LINES, MAX_QUANTITY, DuplicateSku, OrderRequest, UnknownSku
from orders.domain.pricing import CurrencyNotServed, MixedCurrencies
from orders.domain.saga_form import for_saga
from orders.domain.status import OrderStatus
from shared.money import Money
from tests.unit.orders_commands import ADDRESS, place, price_of, request_of


class TestPlacing:
    def test_an_order_is_placed_at_the_servers_prices(self) -> None:
        order, _ = place(request_of(("TEA", 2), ("MUG", 3)), price_of("TEA", 790) | price_of("MUG", 1250))

        assert [
            (line.sku, line.quantity, line.unit_price.amount, line.total.amount) for line in order.lines
        ] == [
            ("TEA", 2, 790, 1580),
            ("MUG", 3, 1250, 3750),
        ]
        assert order.breakdown.lines == Money(amount=5330, currency="EUR")
        assert order.total == order.breakdown.total
        assert order.status is OrderStatus.PLACED
        assert [(entry.status, entry.at) for entry in order.history] == [
            ("placed", "2026-11-21T10:15:00.000Z")
        ]

    @given(
        st.dictionaries(
            st.text("ABCDEFGH", min_size=1, max_size=8),
            st.tuples(st.integers(1, MAX_QUANTITY), st.integers(0, 10**9)),
            min_size=1,
            max_size=MAX_LINES,
        )
    )
    def test_the_charge_is_exactly_the_sum_of_lines_and_shipping(
        self, basket: dict[str, tuple[int, int]]
    ) -> None:
        """Money is integer minor units with a currency (no rounding for any quantities)."""
        request = request_of(*((sku, quantity) for sku, (quantity, _) in basket.items()))
        prices = {
            sku: known for sku, (_, amount) in basket.items() for known in price_of(sku, amount).values()
        }

        order, _ = place(request, prices)

        expected = sum(quantity * amount for quantity, amount in basket.values())
        assert order.breakdown.lines == Money(amount=expected, currency="EUR")
        assert order.total == order.breakdown.lines + order.breakdown.shipping
        assert for_saga(order).total == order.total

    def test_its_event_carries_the_facts_without_the_address_and_the_payment_token(self) -> None:
        order, [event] = place(request_of(("TEA", 2)), price_of("TEA", 790))

        assert (event.event_type, event.aggregate_id, event.aggregate_version) == (
            "order.placed",
            order.order_id,
            1,
        )
        assert event.event_id == f"{order.order_id}:1:order.placed"
        assert event.correlation_id == "correlation-1"
        assert event.event_version == 2
        assert event.data == {
            "order_id": order.order_id,
            "customer_id": "customer-1",
            "status": "placed",
            "lines": [line.model_dump() for line in order.lines],
            "breakdown": order.breakdown.model_dump(),
            "total": order.total.model_dump(),
        }

    def test_a_product_on_two_lines_is_refused_at_every_line_after_its_first(self) -> None:
        request = request_of(("TEA", 1), ("MUG", 1), ("TEA", 2), (" TEA ", 1))

        with pytest.raises(DuplicateSku) as refused:
            place(request, price_of("TEA", 790) | price_of("MUG", 1250))

        assert [error["pointer"] for error in refused.value.errors] == [
            "/body/lines/2/sku",
            "/body/lines/3/sku",
        ]

    def test_every_product_that_is_not_sold_is_named(self) -> None:
        request = request_of(("TEA", 1), ("NOPE", 1), ("OLD", 1))

        with pytest.raises(UnknownSku) as refused:
            place(request, price_of("TEA", 790) | price_of("OLD", 100, active=False))

        assert [error["pointer"] for error in refused.value.errors] == [
            "/body/lines/1/sku",
            "/body/lines/2/sku",
        ]

    def test_one_order_is_paid_in_one_currency(self) -> None:
        prices = price_of("TEA", 790) | price_of("BOOK", 900, currency="USD")

        with pytest.raises(MixedCurrencies):
            place(request_of(("TEA", 1), ("BOOK", 1)), prices)

    def test_nothing_is_sold_in_a_currency_without_a_shipping_tariff(self) -> None:
        with pytest.raises(CurrencyNotServed, match="JPY"):
            place(request_of(("TEA", 1)), price_of("TEA", 790, currency="JPY"))

    @pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1, True, 1.5, "2", None, float("nan")])
    def test_a_quantity_is_a_whole_number_within_bounds(self, quantity: Any) -> None:
        with pytest.raises(ValidationError, match="quantity"):
            request_of(("TEA", quantity))

    def test_an_order_has_a_bounded_number_of_lines(self) -> None:
        request_of(*((f"SKU-{number}", 1) for number in range(MAX_LINES)))

        for count in (0, MAX_LINES + 1):
            with pytest.raises(ValidationError, match="lines"):
                request_of(*((f"SKU-{number}", 1) for number in range(count)))

    @pytest.mark.parametrize(
        "text",
        ["", " ", "\u00a0", "a\x00b", "a\nb", "\tab", "a\x7f", "a\x85b", "a\u2028b", "a\ud800", "x" * 101],
    )
    @pytest.mark.parametrize("field", ["name", "line1", "line2", "city"])
    def test_an_address_is_visible_text_without_control_characters(self, field: str, text: str) -> None:
        with pytest.raises(ValidationError, match=field):
            request_of(("TEA", 1), shipping_address={**ADDRESS, field: text})

    @pytest.mark.parametrize("text", ["Łódź", "東京都", "12 bis", " padded ", "😀"])
    def test_an_address_may_be_in_any_script(self, text: str) -> None:
        request = request_of(("TEA", 1), shipping_address={**ADDRESS, "city": text})
        assert request.shipping_address.city == text.strip()

    @pytest.mark.parametrize(
        "changes",
        [
            {"payment_token": "pm\x00card"},
            {"lines": [{"sku": "TEA\n", "quantity": 1}]},
            {"shipping_address": {**ADDRESS, "postal_code": "1\x1b5"}},
        ],
    )
    def test_no_text_holds_a_control_character(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            request_of(("TEA", 1), **changes)

    def test_a_client_cannot_slip_in_a_price(self) -> None:
        with pytest.raises(ValidationError, match=r"lines\.0\.unit_price"):
            request_of(lines=[{"sku": "TEA", "quantity": 1, "unit_price": {"amount": 1, "currency": "EUR"}}])


class TestOrderId:
    def test_the_same_key_of_the_same_customer_is_the_same_order(self) -> None:
        assert order_id_for("customer-1", "key-1") == order_id_for("customer-1", "key-1")

    def test_another_customer_or_another_key_is_another_order(self) -> None:
        ids = {order_id_for(customer, key) for customer in ("c-1", "c-2") for key in ("k-1", "k-2")}
        assert len(ids) == 4

    def test_the_derivation_never_changes(self) -> None:
        """A retry may reach a newer release than the request it repeats."""
        assert order_id_for("customer-1", "key-1") == "ord_118ebd08bdee58bf9a4d0d7d1e76a930"

    def test_an_id_can_name_a_saga_execution(self) -> None:
        """At most 80 characters: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"""
        identifier = order_id_for("c" * 128, "k" * 255)
        assert len(identifier) <= 80
        assert identifier.replace("_", "").isalnum()


class TestFingerprint:
    def test_the_order_of_fields_and_blanks_around_values_do_not_matter(self) -> None:
        plain = request_of(("TEA", 1))
        reordered = OrderRequest.model_validate(
            {
                "payment_token": " pm_card_visa ",
                "shipping_address": dict(reversed(ADDRESS.items())),
                "lines": [{"quantity": 1, "sku": "TEA"}],
            }
        )
        assert plain.fingerprint() == reordered.fingerprint()

    @pytest.mark.parametrize(
        "other",
        [
            request_of(("TEA", 2)),
            request_of(("MUG", 1)),
            request_of(("TEA", 1), payment_token="pm_card_mastercard"),
            request_of(("TEA", 1), shipping_address={**ADDRESS, "line2": "Flat 2"}),
        ],
        ids=["quantity", "sku", "payment", "address"],
    )
    def test_any_other_difference_makes_it_another_order(self, other: OrderRequest) -> None:
        assert request_of(("TEA", 1)).fingerprint() != other.fingerprint()
