"""The rules of an order: what may be placed, what it costs, which status may follow which."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orders.domain import (
    MAX_LINES,
    MAX_QUANTITY,
    DuplicateSku,
    IllegalTransition,
    MixedCurrencies,
    Order,
    OrderRequest,
    OrderStatus,
    Price,
    RejectionReason,
    UnknownSku,
    order_id_for,
    reason_of,
)
from shared.events import Event
from shared.money import Money
from shared.saga import SagaOrder

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
LATER = NOW + timedelta(seconds=3)
ADDRESS = {
    "name": "Ada Example",
    "line1": "1 Main St",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}


def request_of(*lines: tuple[str, int], **changes: Any) -> OrderRequest:
    body = {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "shipping_address": ADDRESS,
        "payment_token": "pm_card_visa",
    }
    return OrderRequest.model_validate({**body, **changes})


def price_of(sku: str, amount: int, *, currency: str = "EUR", active: bool = True) -> dict[str, Price]:
    return {sku: Price(sku=sku, price=Money(amount=amount, currency=currency), active=active, version=1)}


def place(request: OrderRequest, prices: dict[str, Price]) -> tuple[Order, list[Event]]:
    return Order.place(
        request,
        prices,
        customer_id="customer-1",
        idempotency_key="key-1",
        correlation_id="correlation-1",
        now=NOW,
    )


def placed() -> Order:
    return place(request_of(("TEA", 2)), price_of("TEA", 790))[0]


def event_types(events: list[Event]) -> list[str]:
    return [event.event_type for event in events]


class TestPlacing:
    def test_an_order_is_placed_at_the_servers_prices(self) -> None:
        order, _ = place(request_of(("TEA", 2), ("MUG", 3)), price_of("TEA", 790) | price_of("MUG", 1250))

        assert [
            (line.sku, line.quantity, line.unit_price.amount, line.total.amount) for line in order.lines
        ] == [
            ("TEA", 2, 790, 1580),
            ("MUG", 3, 1250, 3750),
        ]
        assert order.total == Money(amount=5330, currency="EUR")
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
    def test_the_total_is_exactly_what_the_lines_add_up_to(self, basket: dict[str, tuple[int, int]]) -> None:
        """Money is integer minor units with a currency (no rounding, whatever the quantities)."""
        request = request_of(*((sku, quantity) for sku, (quantity, _) in basket.items()))
        prices = {
            sku: known for sku, (_, amount) in basket.items() for known in price_of(sku, amount).values()
        }

        order, _ = place(request, prices)

        expected = sum(quantity * amount for quantity, amount in basket.values())
        assert order.total == Money(amount=expected, currency="EUR")

    def test_its_event_carries_all_that_the_saga_needs(self) -> None:
        order, [event] = place(request_of(("TEA", 2)), price_of("TEA", 790))

        assert (event.event_type, event.aggregate_id, event.aggregate_version) == (
            "order.placed",
            order.order_id,
            1,
        )
        assert event.event_id == f"{order.order_id}:1:order.placed"
        assert event.correlation_id == "correlation-1"
        carried = SagaOrder.model_validate(event.data["order"])
        assert carried == order.for_saga()
        assert carried.payment_token == "pm_card_visa"
        assert carried.shipping_address.city == "Berlin"

    def test_a_product_on_two_lines_is_refused_at_every_line_after_its_first(self) -> None:
        request = request_of(("TEA", 1), ("MUG", 1), ("TEA", 2), (" TEA ", 1))

        with pytest.raises(DuplicateSku) as refused:
            place(request, price_of("TEA", 790) | price_of("MUG", 1250))

        assert [error["pointer"] for error in refused.value.errors] == [
            "/body/lines/2/sku",
            "/body/lines/3/sku",
        ]

    def test_products_that_are_not_sold_are_all_named(self) -> None:
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

    @pytest.mark.parametrize("quantity", [0, -1, MAX_QUANTITY + 1, True, 1.0, 1.5, "2", None, float("nan")])
    def test_a_quantity_is_a_whole_number_within_bounds(self, quantity: Any) -> None:
        with pytest.raises(ValidationError, match="quantity"):
            request_of(("TEA", quantity))

    def test_an_order_has_a_bounded_number_of_lines(self) -> None:
        request_of(*((f"SKU-{number}", 1) for number in range(MAX_LINES)))

        for count in (0, MAX_LINES + 1):
            with pytest.raises(ValidationError, match="lines"):
                request_of(*((f"SKU-{number}", 1) for number in range(count)))

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
    def test_whatever_else_differs_makes_it_another_order(self, other: OrderRequest) -> None:
        assert request_of(("TEA", 1)).fingerprint() != other.fingerprint()


def confirm(order: Order) -> tuple[Order, list[Event]]:
    return order.confirm(LATER)


def abandon(order: Order) -> tuple[Order, list[Event]]:
    return order.abandon(LATER)


def reject(order: Order) -> tuple[Order, list[Event]]:
    return order.reject(RejectionReason.OUT_OF_STOCK, LATER)


def park(order: Order) -> tuple[Order, list[Event]]:
    return order.park('{"error": {}}', LATER)


Change = Callable[[Order], tuple[Order, list[Event]]]
REACHING: dict[OrderStatus, list[Change]] = {
    OrderStatus.PLACED: [],
    OrderStatus.CONFIRMED: [confirm],
    OrderStatus.ABANDONED: [abandon],
    OrderStatus.REJECTED: [reject],
    OrderStatus.PARKED: [park],
}


def order_in(status: OrderStatus) -> Order:
    order = placed()
    for change in REACHING[status]:
        order, _ = change(order)
    assert order.status is status
    return order


class TestTransitions:
    @pytest.mark.parametrize(
        ("before", "change", "after", "told"),
        [
            (OrderStatus.PLACED, confirm, OrderStatus.CONFIRMED, ["order.confirmed"]),
            (OrderStatus.PLACED, abandon, OrderStatus.ABANDONED, []),
            (OrderStatus.PLACED, reject, OrderStatus.REJECTED, ["order.rejected"]),
            (OrderStatus.PLACED, park, OrderStatus.PARKED, ["order.parked"]),
            (OrderStatus.ABANDONED, reject, OrderStatus.REJECTED, ["order.rejected"]),
            (OrderStatus.ABANDONED, park, OrderStatus.PARKED, ["order.parked"]),
        ],
    )
    def test_a_change_is_a_new_version_with_its_place_in_the_history_and_its_event(
        self, before: OrderStatus, change: Change, after: OrderStatus, told: list[str]
    ) -> None:
        order = order_in(before)

        changed, events = change(order)

        assert changed.status is after
        assert changed.version == order.version + 1
        assert changed.history[:-1] == order.history
        assert (changed.history[-1].status, changed.history[-1].at) == (after, "2026-11-21T10:15:03.000Z")
        assert event_types(events) == told
        assert all(event.aggregate_version == changed.version for event in events)
        assert order.status is before, "an order is a value; the change made a new one"

    @pytest.mark.parametrize(
        ("status", "change"),
        [
            (OrderStatus.CONFIRMED, confirm),
            (OrderStatus.ABANDONED, abandon),
            (OrderStatus.CONFIRMED, abandon),
            (OrderStatus.REJECTED, reject),
            (OrderStatus.PARKED, park),
            (OrderStatus.CONFIRMED, park),
            (OrderStatus.REJECTED, park),
        ],
    )
    def test_what_is_done_already_changes_nothing_and_tells_nothing(
        self, status: OrderStatus, change: Change
    ) -> None:
        order = order_in(status)
        assert change(order) == (order, [])

    @pytest.mark.parametrize(
        ("status", "change"),
        [
            (OrderStatus.ABANDONED, confirm),
            (OrderStatus.REJECTED, confirm),
            (OrderStatus.PARKED, confirm),
            (OrderStatus.REJECTED, abandon),
            (OrderStatus.PARKED, abandon),
            (OrderStatus.CONFIRMED, reject),
            (OrderStatus.PARKED, reject),
        ],
    )
    def test_what_may_not_happen_is_refused(self, status: OrderStatus, change: Change) -> None:
        with pytest.raises(IllegalTransition, match=f"is {status.value}"):
            change(order_in(status))

    def test_a_confirmation_that_comes_after_the_saga_gave_up_is_refused(self) -> None:
        given_up, _ = placed().abandon(NOW)
        with pytest.raises(IllegalTransition):
            given_up.confirm(LATER)

    def test_a_rejection_says_why_on_the_order_and_in_its_event(self) -> None:
        order, [event] = placed().reject(RejectionReason.PAYMENT_DECLINED, LATER)

        assert order.rejection_reason is RejectionReason.PAYMENT_DECLINED
        assert event.data["reason"] == "payment_declined"
        assert (event.data["order_id"], event.data["customer_id"]) == (order.order_id, "customer-1")

    def test_a_second_rejection_keeps_the_first_reason(self) -> None:
        order, _ = placed().reject(RejectionReason.PAYMENT_DECLINED, LATER)
        again, _ = order.reject(RejectionReason.TECHNICAL_FAILURE, LATER)
        assert again.rejection_reason is RejectionReason.PAYMENT_DECLINED

    def test_a_parked_order_keeps_the_sagas_whole_state(self) -> None:
        order, _ = placed().park('{"void_payment_error": {}}', LATER)
        assert order.parked_state == '{"void_payment_error": {}}'

    @pytest.mark.parametrize("change", [confirm, reject, park])
    def test_only_order_placed_tells_the_payment_token_and_the_address(self, change: Change) -> None:
        _, [event] = change(placed())
        told = event.model_dump_json()
        assert "pm_card_visa" not in told
        assert "Ada Example" not in told


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("OutOfStock", "out_of_stock"),
        ("CardDeclined", "payment_declined"),
        ("AddressNotServed", "address_not_served"),
        ("States.Timeout", "technical_failure"),
        ("ProviderUnavailable", "technical_failure"),
        ("", "technical_failure"),
    ],
)
def test_the_customer_is_told_the_business_reason_or_that_something_failed(error: str, reason: str) -> None:
    assert reason_of(error) == reason
