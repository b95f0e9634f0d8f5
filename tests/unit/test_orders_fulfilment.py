"""The events after a confirmation, in any order: captured and dispatched make an order fulfilled."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.order import Order
from orders.domain.status import (
    CancellationReason,
    Canceller,
    CannotBeCancelled,
    IllegalTransition,
    OrderStatus,
)
from shared.events import Event
from tests.unit.orders_commands import (
    LATER,
    MUCH_LATER,
    Change,
    abandon,
    after,
    cancel,
    capture,
    capture_after_failure,
    confirm,
    dispatch,
    event_types,
    fail_to_capture,
    park,
    refuse_cancellation,
    remind,
    request_cancellation,
    resume,
    take_over,
)

NOTED = "noted"
UNCHANGED = "unchanged"
REFUSED = "refused"
TURNED_DOWN = (confirm, request_cancellation, refuse_cancellation)
REACHING: dict[str, tuple[Change, ...]] = {
    "placed": (),
    "abandoned": (abandon,),
    "rejected": (abandon, cancel),
    "confirmed": (confirm,),
    "confirmed, captured": (confirm, capture),
    "confirmed, dispatched": (confirm, dispatch),
    "confirmed, cancellation refused": TURNED_DOWN,
    "cancelling": (confirm, request_cancellation),
    "cancelling, captured": (confirm, capture, request_cancellation),
    "cancelling, dispatched": (confirm, request_cancellation, dispatch),
    "cancelling, both": (confirm, capture, request_cancellation, dispatch),
    "cancelling, for its payment": (confirm, fail_to_capture),
    "cancelled": (confirm, request_cancellation, cancel),
    "parked": (confirm, request_cancellation, park),
    "parked, uncollected": (confirm, dispatch, fail_to_capture),
    "fulfilled": (confirm, capture, dispatch),
}
# The result of each event for an order in each state, in the order of REACHING. It is the new status, NOTED, UNCHANGED
# or REFUSED.
TABLE: dict[Change, list[str]] = {
    capture: [
        REFUSED, REFUSED, REFUSED, NOTED, UNCHANGED, "fulfilled", NOTED, NOTED, UNCHANGED, NOTED, UNCHANGED,
        UNCHANGED, UNCHANGED, NOTED, UNCHANGED, UNCHANGED,
    ],
    capture_after_failure: [
        REFUSED, REFUSED, REFUSED, NOTED, NOTED, "fulfilled", NOTED, NOTED, NOTED, NOTED, NOTED,
        NOTED, UNCHANGED, NOTED, "fulfilled", UNCHANGED,
    ],
    fail_to_capture: [
        REFUSED, REFUSED, REFUSED, "cancelling", UNCHANGED, "parked", "parked", NOTED, UNCHANGED, NOTED, UNCHANGED,
        UNCHANGED, UNCHANGED, NOTED, UNCHANGED, UNCHANGED,
    ],
    dispatch: [
        REFUSED, REFUSED, REFUSED, NOTED, "fulfilled", UNCHANGED, NOTED, NOTED, NOTED, UNCHANGED, UNCHANGED,
        NOTED, REFUSED, NOTED, UNCHANGED, UNCHANGED,
    ],
    refuse_cancellation: [
        REFUSED, REFUSED, REFUSED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, "confirmed", "confirmed", "confirmed",
        "fulfilled", NOTED, REFUSED, UNCHANGED, UNCHANGED, UNCHANGED,
    ],
}  # fmt: skip
PUBLISHED: dict[tuple[Change, str], list[str]] = {
    (capture, "fulfilled"): ["order.fulfilled"],
    (capture_after_failure, "fulfilled"): ["order.fulfilled"],
    (dispatch, "fulfilled"): ["order.fulfilled"],
    (fail_to_capture, "cancelling"): ["order.cancellation_requested"],
    (fail_to_capture, "parked"): ["order.parked"],
    (refuse_cancellation, "confirmed"): ["order.cancellation_refused"],
    (refuse_cancellation, "fulfilled"): ["order.cancellation_refused", "order.fulfilled"],
}
PAIRS = [
    pytest.param(state, change, outcome, id=f"{change.__name__}: {state}")
    for change, outcomes in TABLE.items()
    for state, outcome in zip(REACHING, outcomes, strict=True)
]


@pytest.mark.parametrize(("state", "change", "outcome"), PAIRS)
def test_every_event_in_every_state(state: str, change: Change, outcome: str) -> None:
    order = after(*REACHING[state])
    assert order.status == state.partition(",")[0]
    if outcome == REFUSED:
        with pytest.raises(IllegalTransition):
            change(order)
        return
    changed, events = change(order)
    if outcome == UNCHANGED:
        assert (changed, events) == (order, [])
        return
    assert changed.version > order.version
    assert changed.status == (order.status if outcome == NOTED else outcome)
    assert event_types(events) == PUBLISHED.get((change, outcome), [])
    assert [event.event_id for event in events] == list(dict.fromkeys(event.event_id for event in events))
    assert change(changed) == (changed, []), "a second time it changes nothing"


def all_events_of(*changes: Change) -> tuple[Order, list[str]]:
    order, published = after(confirm), []
    for change in changes:
        order, events = change(order)
        published += event_types(events)
    return order, published


@pytest.mark.parametrize("received", sorted(set(permutations([0, 0, 1, 1, 1]))))
def test_both_events_twice_and_more_in_any_order_fulfil_the_order_once(received: tuple[int, ...]) -> None:
    order, published = all_events_of(*((capture, dispatch)[which] for which in received))
    assert order.status is OrderStatus.FULFILLED
    assert published == ["order.fulfilled"]


@given(st.lists(st.sampled_from([capture, dispatch, request_cancellation, take_over]), max_size=12))
def test_an_order_whose_parcel_is_gone_stands_whatever_the_customer_asked_in_between(
    asked: list[Change],
) -> None:
    """A cancellation that meets the parcel on its way is refused, and the events received meanwhile count."""
    order, published = after(confirm), []
    for change in [*asked, dispatch, capture]:
        try:
            order, events = change(order)
        except CannotBeCancelled:
            continue
        published += event_types(events)
    order, events = order.refuse_cancellation(LATER)
    published += event_types(events)

    assert order.status is OrderStatus.FULFILLED
    assert published.count("order.fulfilled") == 1
    assert (
        published.count("order.cancellation_requested") == published.count("order.cancellation_refused") <= 1
    )
    assert order.cancelled_by is None


def test_an_order_that_is_fulfilled_says_where_its_parcel_is() -> None:
    order, [event] = after(confirm, capture).record_dispatch("PARCEL1", LATER)
    assert event.data["tracking_reference"] == order.tracking_reference == "PARCEL1"
    assert (event.data["status"], event.data["total"]) == ("fulfilled", order.total.model_dump())


def test_an_order_whose_money_cannot_be_taken_is_cancelled_for_that() -> None:
    order, [event] = fail_to_capture(after(confirm))
    assert event.data["by"] == "payment"
    assert order.cancelled_by is Canceller.PAYMENT
    assert order.cancelled_by.reason is CancellationReason.PAYMENT_FAILED


def test_a_failed_capture_older_than_the_recorded_one_changes_nothing() -> None:
    order, _ = after(confirm, dispatch).record_capture(7, LATER)
    assert order.record_failed_capture(5, LATER) == (order, [])


class TestUncollected:
    """The parcel has left, and the money cannot be taken: an operator has the capture tried again."""

    def test_a_parcel_that_left_before_the_capture_failed_parks_the_order_with_what_happened(self) -> None:
        order, _ = fail_to_capture(after(confirm, dispatch))
        state = json.loads(order.parked_state or "")
        assert order.is_uncollected
        assert state["order"]["order_id"] == order.order_id
        assert not {"payment_token", "shipping_address"} & state["order"].keys()
        assert (state["dispatched_at"], state["capture_failed_at"]) == ("2026-11-21T10:15:03.000Z",) * 2

    def test_a_cancellation_for_the_payment_that_finds_the_parcel_gone_leaves_the_order_to_be_parked(
        self,
    ) -> None:
        order = after(confirm, fail_to_capture, refuse_cancellation)
        assert order.status is OrderStatus.CANCELLING
        order, _ = order.park('{"order": {}}', LATER)
        assert order.is_uncollected

    @pytest.mark.parametrize(
        "way",
        [
            (confirm, dispatch, fail_to_capture),
            (confirm, fail_to_capture, refuse_cancellation, park),
            (confirm, request_cancellation, fail_to_capture, refuse_cancellation, park),
            (confirm, request_cancellation, fail_to_capture, park, dispatch),
            (*TURNED_DOWN, fail_to_capture),
        ],
    )
    def test_it_is_resumed_by_another_capture_that_fulfils_it_or_parks_it_again(
        self, way: tuple[Callable[[Order], tuple[Order, list[Event]]], ...]
    ) -> None:
        asked, [event] = resume(after(*way))
        assert (event.event_type, event.data["payment_version"]) == ("order.collection_requested", 4)
        assert (asked.status, asked.cancelled_by) == (OrderStatus.CONFIRMED, None)
        assert resume(asked) == (asked, []), "asking again starts nothing"
        assert fail_to_capture(asked) == (asked, []), "the failure that it is to overcome is known"

        again, events = asked.record_failed_capture(6, LATER)
        assert (again.status, event_types(events)) == (OrderStatus.PARKED, ["order.parked"])
        asked, [event] = resume(again)
        assert event.data["payment_version"] == 6
        paid, _ = asked.record_capture(8, LATER)
        done, _ = dispatch(paid)
        assert done.status is OrderStatus.FULFILLED
        assert done.parked_state is None


class TestAReminder:
    """The reminder requests the fulfilment of an order again that waits for it for too long."""

    @pytest.mark.parametrize("state", [state for state in REACHING if state[:6] not in {"placed", "confir"}])
    def test_an_order_that_is_neither_placed_nor_confirmed_is_not_reminded(self, state: str) -> None:
        order = after(*REACHING[state])
        assert remind(order) == (order, [])

    def test_a_placed_order_notes_that_its_saga_was_started_again_and_tells_nobody(self) -> None:
        order, events = remind(after())
        assert (order.status, events, order.is_reminded) == (OrderStatus.PLACED, [], True)
        assert order.waiting_since == "2026-11-22T10:15:03.000Z"
        later, _ = order.confirm(MUCH_LATER)
        assert not later.is_reminded, "its fulfilment was not asked for"

    @pytest.mark.parametrize("state", [state for state in REACHING if state.startswith("confirmed")])
    def test_a_confirmed_order_stays_so_and_requests_its_fulfilment(self, state: str) -> None:
        order = after(*REACHING[state])
        assert not order.is_reminded

        reminded, [event] = remind(order)

        assert (event.event_type, event.aggregate_version) == (
            "order.fulfilment_requested",
            order.version + 1,
        )
        assert "payment_version" not in event.data
        assert (reminded.status, reminded.history) == (OrderStatus.CONFIRMED, order.history)
        assert reminded.is_reminded
        assert (reminded.since, reminded.waiting_since) == (order.since, "2026-11-22T10:15:03.000Z")

    def test_it_is_fulfilled_by_the_events_that_follow_it(self) -> None:
        order, published = all_events_of(capture, remind, capture, dispatch)
        assert order.status is OrderStatus.FULFILLED
        assert published == ["order.fulfilment_requested", "order.fulfilled"]

    def test_if_a_failed_capture_is_tried_again_it_names_that_failure(self) -> None:
        order, [event] = remind(after(confirm, dispatch, fail_to_capture, resume))
        assert event.data["payment_version"] == order.payment_version == 4

    def test_an_order_that_stands_again_counts_as_not_reminded(self) -> None:
        order, _ = remind(after(confirm))
        order, _ = order.request_cancellation(Canceller.CUSTOMER, MUCH_LATER + timedelta(seconds=1))
        order, _ = order.refuse_cancellation(MUCH_LATER + timedelta(seconds=2))
        assert (order.status, order.is_reminded) == (OrderStatus.CONFIRMED, False)
