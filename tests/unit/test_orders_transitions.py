"""Which command an order allows in which status, and where it leads."""

from contextlib import suppress
from inspect import isfunction
from itertools import pairwise

import pytest

from orders.domain.order import Order, OrderReturn
from orders.domain.saga_form import for_saga
from orders.domain.status import (
    Canceller,
    CannotBeCancelled,
    CannotBeResumed,
    IllegalTransition,
    OrderStatus,
    RejectionReason,
    reason_of,
)
from orders.domain.transitions import TRANSITIONS, Command
from shared.saga import SagaOrder
from tests.unit.orders_commands import (
    COMMANDS,
    LATER,
    REACHING,
    Change,
    abandon,
    cancel,
    capture,
    capture_after_failure,
    confirm,
    dispatch,
    erase,
    event_types,
    fail_to_capture,
    order_in,
    park,
    placed,
    record_return,
    refuse_cancellation,
    remind,
    report_issues,
    request_cancellation,
    resume,
    take_over,
)
from tools.contracts.status_diagrams import PAGES, renewed

FULFILLING = {capture, capture_after_failure, fail_to_capture, dispatch, refuse_cancellation, remind}
"""The commands whose table is in test_orders_fulfilment.py."""
UNCHANGED = "unchanged"
REFUSED = "refused"
# The result of each method for an order in each state, in the order of REACHING. It is the new status, REFUSED, or
# UNCHANGED: then no event is published either.
TABLE: dict[Change, list[str]] = {
    confirm: [
        "confirmed", UNCHANGED, REFUSED, REFUSED, UNCHANGED, REFUSED, UNCHANGED, REFUSED, REFUSED, UNCHANGED,
        REFUSED, UNCHANGED, REFUSED, REFUSED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
    ],
    abandon: [
        "abandoned", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
    ],
    request_cancellation: [
        "cancelling", "cancelling", "cancelling", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, REFUSED, REFUSED,
        REFUSED, "cancelling", UNCHANGED, REFUSED, REFUSED,
        REFUSED, REFUSED, REFUSED, REFUSED,
    ],
    cancel: [
        REFUSED, REFUSED, "rejected", "cancelled", "cancelled", UNCHANGED, UNCHANGED, UNCHANGED, REFUSED, REFUSED,
        "rejected", "cancelled", UNCHANGED, REFUSED,
        REFUSED, REFUSED, REFUSED, "rejected",
    ],
    park: [
        REFUSED, UNCHANGED, "parked", "parked", "parked", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        "parked", "parked", UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, "parked",
    ],
    resume: [
        REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, "abandoned", "cancelling",
        UNCHANGED, UNCHANGED, REFUSED, "abandoned",
        REFUSED, REFUSED, "confirmed", UNCHANGED,
    ],
    take_over: [
        UNCHANGED, UNCHANGED, "abandoned", "cancelling", "cancelling", UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
        UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED,
    ],
}  # fmt: skip
PUBLISHED: dict[tuple[Change, str], list[str]] = {
    (confirm, "confirmed"): ["order.confirmed"],
    (abandon, "abandoned"): ["order.abandoned"],
    (request_cancellation, "cancelling"): ["order.cancellation_requested"],
    (cancel, "cancelled"): ["order.cancelled"],
    (cancel, "rejected"): ["order.rejected"],
    (park, "parked"): ["order.parked"],
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


class TestTheTableOfTransitions:
    """`TRANSITIONS` is the only place that says which status may follow which."""

    @pytest.mark.parametrize("status", OrderStatus)
    @pytest.mark.parametrize("command", Command)
    def test_a_command_leads_where_the_table_says_and_nowhere_else(
        self, command: Command, status: OrderStatus
    ) -> None:
        order = order_in(status.value)
        if status in TRANSITIONS[command]:
            assert order._changed(command, LATER).status is TRANSITIONS[command][status]
        else:
            with pytest.raises(IllegalTransition, match=f"is {status.value}"):
                order._changed(command, LATER)

    def test_every_command_is_in_the_table(self) -> None:
        assert set(TRANSITIONS) == set(Command)

    def test_the_orders_methods_make_every_change_of_status_in_the_table_and_no_other(self) -> None:
        made = set()
        for state in REACHING:
            order = order_in(state)
            for change in COMMANDS:
                with suppress(IllegalTransition, CannotBeCancelled, CannotBeResumed):
                    history = [entry.status for entry in change(order)[0].history]
                    made |= set(pairwise(history[len(order.history) - 1 :]))
        listed = {(before, after) for leads_to in TRANSITIONS.values() for before, after in leads_to.items()}
        assert made == {(before, after) for before, after in listed if before is not after}

    def test_every_public_method_is_a_command_of_these_tests(self) -> None:
        methods = {name for name, value in vars(Order).items() if isfunction(value) and name[0] != "_"}
        called = {name for change in COMMANDS for name in change.__code__.co_names}
        assert methods - {"model_post_init"} <= called

    def test_the_diagram_in_the_readme_is_the_tables(self) -> None:
        page = PAGES["orders"].read_text()
        assert renewed("orders", page) == page, "run `python -m tools.contracts.status_diagrams`"


class TestTransitions:
    def test_the_table_knows_every_status_and_every_method(self) -> None:
        assert {state.partition(",")[0] for state in REACHING} == set(OrderStatus)
        assert set(TABLE) | FULFILLING == set(COMMANDS) - {erase, report_issues, record_return}

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
            assert event_types(events) == PUBLISHED.get((change, outcome), [])
            assert all(event.aggregate_version == changed.version for event in events)
            assert order == order_in(state), "an order is a value; the change made a new one"

    def test_an_order_knows_each_of_its_returns_by_events_in_any_order_and_number(self) -> None:
        order = order_in("fulfilled")
        for return_id, known in (
            ("ret_1", {"refunded": 700}),
            ("ret_2", {"pieces": 1}),
            ("ret_1", {"pieces": 2}),
        ):
            changed, events = order.record_return(return_id, LATER, **known)
            assert (changed.status, changed.version, events) == (order.status, order.version + 1, [])
            assert changed.record_return(return_id, LATER, **known) == (changed, [])
            order = changed
        assert order.returned == {
            "ret_1": OrderReturn(pieces=2, refunded=700),
            "ret_2": OrderReturn(pieces=1),
        }

    @pytest.mark.parametrize("state", ["abandoned", "cancelling", "cancelled", "rejected", "parked"])
    def test_a_confirmation_that_comes_too_late_is_refused(self, state: str) -> None:
        order = order_in(state)
        with pytest.raises(IllegalTransition, match=f"is {order.status.value}"):
            order.confirm(LATER)

    @pytest.mark.parametrize("state", ["rejected", "parked", "fulfilled"])
    def test_a_refused_cancellation_names_the_status(self, state: str) -> None:
        with pytest.raises(CannotBeCancelled, match=f"The order is {state}"):
            order_in(state).request_cancellation(Canceller.CUSTOMER, LATER)

    def test_a_rejection_says_why_on_the_order_and_in_its_event(self) -> None:
        order, [event] = order_in("abandoned").cancel(LATER)

        assert order.rejection_reason is RejectionReason.PAYMENT_DECLINED
        assert event.data["reason"] == "payment_declined"
        assert (event.data["order_id"], event.data["customer_id"]) == (order.order_id, "customer-1")

    def test_an_order_that_is_abandoned_twice_keeps_the_first_reason(self) -> None:
        again, _ = order_in("abandoned").abandon(RejectionReason.TECHNICAL_FAILURE, LATER)
        assert cancel(again)[0].rejection_reason is RejectionReason.PAYMENT_DECLINED

    def test_an_abandoned_order_that_was_to_be_cancelled_bears_no_reason_of_a_rejection(self) -> None:
        order, [event] = cancel(request_cancellation(order_in("abandoned"))[0])
        assert order.rejection_reason is None
        assert (order.status, "reason" in event.data) == ("cancelled", False)

    @pytest.mark.parametrize("by", list(Canceller))
    @pytest.mark.parametrize("state", ["placed", "confirmed"])
    def test_the_first_to_ask_is_recorded_and_published(self, state: str, by: Canceller) -> None:
        asked, _ = order_in(state).request_cancellation(by, LATER)
        again, _ = asked.request_cancellation(Canceller.ADMIN, LATER)

        cancelled, [event] = again.cancel(LATER)

        assert cancelled.cancelled_by is by
        assert event.data["by"] == by.value
        assert (event.data["status"], event.data["total"]["amount"]) == ("cancelled", 1580 + 490)

    def test_a_resumed_order_is_rejected_for_the_reason_its_saga_failed(self) -> None:
        order, [event] = order_in("abandoned, resumed").cancel(LATER)
        assert order.rejection_reason is RejectionReason.PAYMENT_DECLINED
        assert event.data["reason"] == "payment_declined"

    def test_the_reason_survives_that_the_resumption_is_parked_too(self) -> None:
        order, _ = park(order_in("abandoned, resumed"))
        resumed, _ = resume(order)
        assert cancel(resumed)[0].rejection_reason is RejectionReason.PAYMENT_DECLINED

    def test_an_order_that_an_earlier_release_abandoned_without_a_reason_is_rejected_as_a_technical_failure(
        self,
    ) -> None:
        order = order_in("abandoned").model_copy(update={"failed_because": None})
        assert cancel(order)[0].rejection_reason is RejectionReason.TECHNICAL_FAILURE

    def test_every_resumption_has_an_execution_of_its_own(self) -> None:
        first, _ = resume(order_in("parked"))
        second, _ = resume(park(first)[0])
        plain = order_in("cancelling, confirmed before").cancellation_name
        assert [plain, first.cancellation_name, second.cancellation_name] == [
            placed().order_id,
            f"{placed().order_id}-1",
            f"{placed().order_id}-2",
        ]

    @pytest.mark.parametrize("state", ["rejected, resumed", "cancelling, resumed"])
    def test_the_stored_state_goes_once_all_is_undone(self, state: str) -> None:
        order = order_in(state)
        if state == "cancelling, resumed":
            order, _ = cancel(order)
        assert order.parked_state is None

    def test_a_resumed_order_that_the_customer_cancels_is_cancelled_by_its_resumption(self) -> None:
        order = order_in("abandoned, resumed")
        asked, _ = request_cancellation(order)
        assert asked.cancellation_name == order.cancellation_name
        assert cancel(asked)[0].status == "cancelled"

    def test_a_parked_order_stores_the_sagas_whole_state(self) -> None:
        order, _ = order_in("abandoned").park('{"void_payment_error": {}}', LATER)
        assert order.parked_state == '{"void_payment_error": {}}'

    @pytest.mark.parametrize("state", REACHING)
    def test_only_a_placed_order_keeps_its_payment_token(self, state: str) -> None:
        order = order_in(state)
        kept = "pm_card_visa" if order.status is OrderStatus.PLACED else ""
        assert order.payment_token == kept
        assert ("pm_card_visa" in order.model_dump_json()) is bool(kept)

    @pytest.mark.parametrize(
        ("state", "change"),
        [
            ("placed", confirm),
            ("placed", abandon),
            ("abandoned", cancel),
            ("abandoned", park),
            ("confirmed", request_cancellation),
            ("cancelling", cancel),
            ("parked", resume),
        ],
    )
    def test_no_event_carries_the_payment_token_or_the_address(self, state: str, change: Change) -> None:
        _, [event] = change(order_in(state))
        published = event.model_dump_json()
        assert "pm_card_visa" not in published
        assert "Ada Example" not in published

    @pytest.mark.parametrize("state", ["placed", "confirmed"])
    def test_a_state_machine_carries_neither_the_address_nor_the_payment_token(self, state: str) -> None:
        carried = for_saga(order_in(state))

        assert SagaOrder.model_validate_json(carried.model_dump_json()) == carried
        assert not {"shipping_address", "payment_token"} & carried.model_dump().keys()
        assert (carried.order_id, carried.total.amount) == (placed().order_id, 1580 + 490)


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
def test_the_customer_reads_the_business_reason_or_that_something_failed(error: str, reason: str) -> None:
    assert reason_of(error) == reason
