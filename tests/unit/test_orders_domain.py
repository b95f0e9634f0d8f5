"""The rules of an order: what may be placed, what it costs, which status may follow which."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from orders.domain.order import (
    Canceller,
    CannotBeCancelled,
    CannotBeResumed,
    IllegalTransition,
    Order,
    OrderStatus,
    RejectionReason,
    order_id_for,
    reason_of,
)
from orders.domain.order_request import MAX_LINES, MAX_QUANTITY, DuplicateSku, OrderRequest, UnknownSku
from orders.domain.pricing import CurrencyNotServed, MixedCurrencies, Price
from orders.domain.undoing import UndoableOrder
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
    def test_what_is_charged_is_exactly_what_lines_and_shipping_add_up_to(
        self, basket: dict[str, tuple[int, int]]
    ) -> None:
        """Money is integer minor units with a currency (no rounding, whatever the quantities)."""
        request = request_of(*((sku, quantity) for sku, (quantity, _) in basket.items()))
        prices = {
            sku: known for sku, (_, amount) in basket.items() for known in price_of(sku, amount).values()
        }

        order, _ = place(request, prices)

        expected = sum(quantity * amount for quantity, amount in basket.values())
        assert order.breakdown.lines == Money(amount=expected, currency="EUR")
        assert order.total == order.breakdown.lines + order.breakdown.shipping
        assert order.for_saga().total == order.total

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
    def test_whatever_else_differs_makes_it_another_order(self, other: OrderRequest) -> None:
        assert request_of(("TEA", 1)).fingerprint() != other.fingerprint()


def confirm(order: Order) -> tuple[Order, list[Event]]:
    return order.confirm(LATER)


def abandon(order: Order) -> tuple[Order, list[Event]]:
    return order.abandon(LATER)


def reject(order: Order) -> tuple[Order, list[Event]]:
    return order.reject(RejectionReason.OUT_OF_STOCK, LATER)


def request_cancellation(order: Order) -> tuple[Order, list[Event]]:
    return order.request_cancellation(Canceller.CUSTOMER, LATER)


def cancel(order: Order) -> tuple[Order, list[Event]]:
    return order.cancel(LATER)


def park(order: Order) -> tuple[Order, list[Event]]:
    return order.park('{"error": {}}', LATER)


def park_by_the_saga(order: Order) -> tuple[Order, list[Event]]:
    return order.park('{"error": {}}', LATER, saga_failed=RejectionReason.PAYMENT_DECLINED)


def resume(order: Order) -> tuple[Order, list[Event]]:
    return order.resume(LATER)


def take_over(order: Order) -> tuple[Order, list[Event]]:
    return order.take_over(LATER)


def erase(order: Order) -> tuple[Order, list[Event]]:
    return order.erase(LATER)


def capture(order: Order) -> tuple[Order, list[Event]]:
    return order.note_capture(4, LATER)


def fail_to_capture(order: Order) -> tuple[Order, list[Event]]:
    return order.note_failed_capture(4, LATER)


def dispatch(order: Order) -> tuple[Order, list[Event]]:
    return order.note_dispatch("CW1", LATER)


Change = Callable[[Order], tuple[Order, list[Event]]]
# Every state an order can be in, and how it gets there: the status, and whether the order was confirmed on its way.
REACHING: dict[str, list[Change]] = {
    "placed": [],
    "confirmed": [confirm],
    "abandoned": [abandon],
    "cancelling": [request_cancellation],
    "cancelling, confirmed before": [confirm, request_cancellation],
    "cancelled": [request_cancellation, cancel],
    "cancelled, confirmed before": [confirm, request_cancellation, cancel],
    "rejected": [reject],
    "parked": [park],
    "parked, confirmed before": [confirm, request_cancellation, park],
    "abandoned, resumed": [park_by_the_saga, resume],
    "cancelling, resumed": [confirm, request_cancellation, park, resume],
    "rejected, resumed": [park_by_the_saga, resume, cancel],
    "parked, resumed before": [park, resume, park],
    "confirmed, dispatched": [confirm, dispatch],
    "fulfilled": [confirm, capture, dispatch],
    "parked, uncollected": [confirm, dispatch, fail_to_capture],
}
UNCHANGED = "unchanged"
REFUSED = "refused"
# What each method makes of an order in each state, in the order of REACHING: the status afterwards, that nothing
# changes and nothing is told, or that it is refused.
TABLE: dict[Change, list[str]] = {
    confirm: [
        "confirmed", UNCHANGED, REFUSED, REFUSED, UNCHANGED, REFUSED, UNCHANGED, REFUSED, REFUSED, UNCHANGED,
        REFUSED, UNCHANGED, REFUSED, REFUSED,
        UNCHANGED, UNCHANGED, UNCHANGED,
    ],
    abandon: [
        "abandoned", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, REFUSED, UNCHANGED, REFUSED, REFUSED, UNCHANGED,
        UNCHANGED, UNCHANGED, REFUSED, REFUSED,
        UNCHANGED, UNCHANGED, UNCHANGED,
    ],
    reject: [
        "rejected", REFUSED, "rejected", "cancelled", REFUSED, UNCHANGED, REFUSED, UNCHANGED, REFUSED, REFUSED,
        "rejected", REFUSED, UNCHANGED, REFUSED,
        REFUSED, REFUSED, REFUSED,
    ],
    request_cancellation: [
        "cancelling", "cancelling", "cancelling", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, REFUSED, REFUSED,
        REFUSED, "cancelling", UNCHANGED, REFUSED, REFUSED,
        REFUSED, REFUSED, REFUSED,
    ],
    cancel: [
        REFUSED, REFUSED, REFUSED, "cancelled", "cancelled", UNCHANGED, UNCHANGED, REFUSED, REFUSED, REFUSED,
        "rejected", "cancelled", UNCHANGED, REFUSED,
        REFUSED, REFUSED, REFUSED,
    ],
    park: [
        "parked", UNCHANGED, "parked", "parked", "parked", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        "parked", "parked", UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED,
    ],
    # A saga does not park what its cancellation or its resumption undoes.
    park_by_the_saga: [
        "parked", UNCHANGED, "parked", "parked", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED,
    ],
    resume: [
        REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, "abandoned", "cancelling",
        UNCHANGED, UNCHANGED, REFUSED, "abandoned",
        REFUSED, REFUSED, "confirmed",
    ],
    take_over: [
        "abandoned", UNCHANGED, "abandoned", "cancelling", "cancelling", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED,
    ],
}  # fmt: skip
TOLD: dict[tuple[Change, str], list[str]] = {
    (confirm, "confirmed"): ["order.confirmed"],
    (reject, "rejected"): ["order.rejected"],
    (reject, "cancelled"): ["order.cancelled"],
    (cancel, "cancelled"): ["order.cancelled"],
    (cancel, "rejected"): ["order.rejected"],
    (park, "parked"): ["order.parked"],
    (park_by_the_saga, "parked"): ["order.parked"],
    (resume, "confirmed"): ["order.collection_requested"],
    **{
        (change, status): ["order.resumption_requested"]
        for change in (resume, take_over)
        for status in ("abandoned", "cancelling")
    },
}
# How a refusal is named.
REFUSAL: dict[Change, type[Exception]] = {request_cancellation: CannotBeCancelled, resume: CannotBeResumed}
PAIRS = [
    pytest.param(state, change, outcome, id=f"{change.__name__}: {state}")
    for change, outcomes in TABLE.items()
    for state, outcome in zip(REACHING, outcomes, strict=True)
]


def order_in(state: str) -> Order:
    order = placed()
    for change in REACHING[state]:
        order, _ = change(order)
    assert order.status == state.partition(",")[0]
    return order


class TestTransitions:
    def test_the_table_knows_every_status_and_every_method(self) -> None:
        assert {state.partition(",")[0] for state in REACHING} == set(OrderStatus)
        methods = {
            name
            for part in (Order, UndoableOrder)
            for name, value in vars(part).items()
            if callable(value) and not name.startswith("_")
        }
        assert {change.__name__ for change in TABLE} == methods | {"park_by_the_saga"}

    @pytest.mark.parametrize(("state", "change", "outcome"), PAIRS)
    def test_every_method_in_every_state_changes_the_order_or_nothing_or_refuses(
        self, state: str, change: Change, outcome: str
    ) -> None:
        order = order_in(state)

        if outcome == REFUSED:
            with pytest.raises(REFUSAL.get(change, IllegalTransition)):
                change(order)
        elif outcome == UNCHANGED:
            assert change(order) == (order, [])
        else:
            changed, events = change(order)
            assert changed.status == outcome
            assert changed.version == order.version + 1
            entered = [] if outcome == order.status else [(outcome, "2026-11-21T10:15:03.000Z")]
            assert changed.history[: len(order.history)] == order.history
            assert [(entry.status, entry.at) for entry in changed.history[len(order.history) :]] == entered
            assert changed.since == "2026-11-21T10:15:03.000Z"
            cancelling_the_confirmed = change is request_cancellation and state == "confirmed"
            told = (
                ["order.cancellation_requested"]
                if cancelling_the_confirmed
                else TOLD.get((change, outcome), [])
            )
            assert event_types(events) == told
            assert all(event.aggregate_version == changed.version for event in events)
            assert order == order_in(state), "an order is a value; the change made a new one"

    @pytest.mark.parametrize("refusing", [abandon, request_cancellation, reject, park])
    def test_a_confirmation_that_comes_too_late_is_refused(self, refusing: Change) -> None:
        order, _ = refusing(placed())
        with pytest.raises(IllegalTransition, match=f"is {order.status.value}"):
            order.confirm(LATER)

    @pytest.mark.parametrize("state", ["rejected", "parked", "fulfilled"])
    def test_a_refused_cancellation_names_the_status(self, state: str) -> None:
        with pytest.raises(CannotBeCancelled, match=f"The order is {state}"):
            order_in(state).request_cancellation(Canceller.CUSTOMER, LATER)

    def test_a_rejection_says_why_on_the_order_and_in_its_event(self) -> None:
        order, [event] = placed().reject(RejectionReason.PAYMENT_DECLINED, LATER)

        assert order.rejection_reason is RejectionReason.PAYMENT_DECLINED
        assert event.data["reason"] == "payment_declined"
        assert (event.data["order_id"], event.data["customer_id"]) == (order.order_id, "customer-1")

    def test_a_second_rejection_keeps_the_first_reason(self) -> None:
        order, _ = placed().reject(RejectionReason.PAYMENT_DECLINED, LATER)
        again, _ = order.reject(RejectionReason.TECHNICAL_FAILURE, LATER)
        assert again.rejection_reason is RejectionReason.PAYMENT_DECLINED

    def test_an_order_that_was_to_be_cancelled_bears_no_reason_of_a_rejection(self) -> None:
        order, [event] = order_in("cancelling").reject(RejectionReason.PAYMENT_DECLINED, LATER)
        assert order.rejection_reason is None
        assert "reason" not in event.data

    @pytest.mark.parametrize("by", list(Canceller))
    @pytest.mark.parametrize("state", ["placed", "confirmed"])
    def test_who_asked_first_is_kept_and_told(self, state: str, by: Canceller) -> None:
        asked, _ = order_in(state).request_cancellation(by, LATER)
        again, _ = asked.request_cancellation(Canceller.ADMIN, LATER)

        cancelled, [event] = again.cancel(LATER)

        assert cancelled.cancelled_by is by
        assert event.data["by"] == by.value
        assert (event.data["status"], event.data["total"]["amount"]) == ("cancelled", 1580 + 490)

    def test_a_resumed_order_is_rejected_for_what_its_saga_failed_for(self) -> None:
        order, [event] = order_in("abandoned, resumed").cancel(LATER)
        assert order.rejection_reason is RejectionReason.PAYMENT_DECLINED
        assert event.data["reason"] == "payment_declined"

    def test_the_reason_survives_that_the_resumption_is_parked_too(self) -> None:
        order, _ = park(order_in("abandoned, resumed"))
        resumed, _ = resume(order)
        assert cancel(resumed)[0].rejection_reason is RejectionReason.PAYMENT_DECLINED

    def test_an_order_that_lost_its_saga_is_rejected_as_a_technical_failure(self) -> None:
        order, _ = take_over(placed())
        assert cancel(order)[0].rejection_reason is RejectionReason.TECHNICAL_FAILURE

    def test_every_resumption_has_an_execution_of_its_own(self) -> None:
        first, _ = resume(order_in("parked"))
        second, _ = resume(park(first)[0])
        plain = order_in("cancelling, confirmed before").undoing_name
        assert [plain, first.undoing_name, second.undoing_name] == [
            placed().order_id,
            f"{placed().order_id}-1",
            f"{placed().order_id}-2",
        ]

    @pytest.mark.parametrize("state", ["rejected, resumed", "cancelling, resumed"])
    def test_what_a_parked_order_kept_goes_once_all_is_undone(self, state: str) -> None:
        order = order_in(state)
        if state == "cancelling, resumed":
            order, _ = cancel(order)
        assert order.parked_state is None

    def test_a_resumed_order_that_the_customer_cancels_is_cancelled_by_its_resumption(self) -> None:
        asked, events = request_cancellation(order_in("abandoned, resumed"))
        assert (asked.is_undone_by_cancellation, events) == (True, [])
        assert cancel(asked)[0].status == "cancelled"

    def test_a_parked_order_keeps_the_sagas_whole_state(self) -> None:
        order, _ = placed().park('{"void_payment_error": {}}', LATER)
        assert order.parked_state == '{"void_payment_error": {}}'

    @pytest.mark.parametrize(
        ("state", "change"),
        [
            ("placed", confirm),
            ("placed", reject),
            ("placed", park),
            ("confirmed", request_cancellation),
            ("cancelling", cancel),
            ("parked", resume),
        ],
    )
    def test_only_order_placed_tells_the_payment_token_and_the_address(
        self, state: str, change: Change
    ) -> None:
        _, [event] = change(order_in(state))
        told = event.model_dump_json()
        assert "pm_card_visa" not in told
        assert "Ada Example" not in told

    def test_a_cancellation_carries_neither_the_address_nor_the_payment_token(self) -> None:
        carried = order_in("confirmed").for_cancellation()

        assert "pm_card_visa" not in carried.model_dump_json()
        assert not any(
            text in carried.model_dump_json() for name, text in ADDRESS.items() if name != "country"
        )
        assert (carried.order_id, carried.total.amount) == (placed().order_id, 1580 + 490)


STATE = json.dumps(
    {
        "order": placed().for_saga().model_dump(mode="json"),
        "error": {"Error": "CardDeclined", "Cause": "insufficient_funds"},
        "undoing": {"stock": {"undone": True}},
    }
)


def personal_data_in(text: str) -> list[str]:
    personal = [text for name, text in ADDRESS.items() if name != "country"]
    return [value for value in [*personal, "pm_card_visa"] if value in text]


class TestErasure:
    @pytest.mark.parametrize("state", REACHING)
    def test_nothing_personal_is_left_whatever_the_status_and_what_accounting_needs_is(
        self, state: str
    ) -> None:
        order = order_in(state)

        erased, events = order.erase(LATER)

        assert personal_data_in(erased.model_dump_json()) == []
        assert erased.request_fingerprint == "", "it is a hash of the address, which could be guessed"
        assert erased.shipping_address.country == "DE"
        assert events == []
        kept = {
            "order_id",
            "customer_id",
            "status",
            "lines",
            "breakdown",
            "history",
            "placed_at",
            "cancelled_by",
        }
        assert erased.model_dump(include=kept) == order.model_dump(include=kept)
        assert (erased.version, erased.erased_at) == (order.version + 1, "2026-11-21T10:15:03.000Z")

    def test_it_is_done_once(self) -> None:
        erased, _ = placed().erase(NOW)
        assert erased.erase(LATER) == (erased, [])

    @pytest.mark.parametrize("changes", [[confirm], [confirm, request_cancellation, cancel], [reject]])
    def test_nothing_comes_back_by_what_the_saga_still_does(self, changes: list[Change]) -> None:
        order, _ = placed().erase(NOW)
        for change in changes:
            order, events = change(order)
            assert personal_data_in(events[0].model_dump_json() if events else "") == []
        assert personal_data_in(order.model_dump_json()) == []

    def test_an_order_that_is_parked_later_keeps_the_state_without_the_personal_data(self) -> None:
        assert personal_data_in(STATE)
        erased, _ = placed().erase(NOW)

        parked, _ = erased.park(STATE, LATER)

        assert parked.parked_state
        kept = json.loads(parked.parked_state)
        assert personal_data_in(parked.parked_state) == []
        assert kept["order"]["order_id"] == erased.order_id
        assert kept["order"]["shipping_address"]["country"] == "DE"
        assert (kept["error"]["Error"], kept["undoing"]) == ("CardDeclined", {"stock": {"undone": True}})

    def test_the_state_of_an_order_that_was_parked_before_is_erased_as_well(self) -> None:
        parked, _ = placed().park(STATE, NOW)

        erased, _ = parked.erase(LATER)

        assert erased.parked_state
        assert personal_data_in(erased.parked_state) == []
        assert json.loads(erased.parked_state)["order"]["lines"] == json.loads(STATE)["order"]["lines"]


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
