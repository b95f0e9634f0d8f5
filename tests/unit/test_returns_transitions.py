"""Which command a return allows in which status, and where it leads."""

from contextlib import suppress
from inspect import isfunction
from itertools import pairwise

import pytest

from returns.domain.order_returns import OrderReturns
from returns.domain.status import CannotBeChanged, RefundUnexpected, ReturnStatus
from returns.domain.transitions import TRANSITIONS, Command
from tests.unit.returns_commands import (
    COMMANDS,
    REACHING,
    RETURN,
    Change,
    accept,
    as_of,
    event_types,
    expire,
    inspect,
    inspect_and_accept_nothing,
    order_in,
    record_label,
    record_refund,
    refuse,
    request,
    withdraw,
    withdraw_undecided,
)
from tools.contracts.status_diagrams import PAGES, renewed

UNCHANGED = "unchanged"
REFUSED = "not allowed"
# The result of each method for a return in each status, in the order of REACHING. It is the new status, REFUSED, or
# UNCHANGED: then no event is published either.
TABLE: dict[Change, list[str]] = {
    accept: ["accepted", UNCHANGED, UNCHANGED, *[REFUSED] * 6],
    refuse: ["refused", *[REFUSED] * 5, UNCHANGED, REFUSED, REFUSED],
    withdraw: ["withdrawn", "withdrawn", "withdrawn", *[REFUSED] * 4, UNCHANGED, REFUSED],
    withdraw_undecided: ["withdrawn", *[UNCHANGED] * 8],
    record_label: [UNCHANGED, "labelled", *[UNCHANGED] * 7],
    inspect: [
        REFUSED, "inspected", "inspected", UNCHANGED, UNCHANGED, REFUSED, REFUSED, REFUSED, "inspected"
    ],
    inspect_and_accept_nothing: [
        REFUSED, "closed", "closed", REFUSED, REFUSED, UNCHANGED, REFUSED, REFUSED, "closed"
    ],
    record_refund: [REFUSED, REFUSED, REFUSED, "refunded", UNCHANGED, REFUSED, REFUSED, REFUSED, REFUSED],
    as_of: [UNCHANGED] * 9,
    expire: [UNCHANGED, "expired", "expired", *[UNCHANGED] * 6],
}  # fmt: skip
PUBLISHED: dict[Change, str] = {
    accept: "return.accepted",
    refuse: "return.refused",
    withdraw: "return.withdrawn",
    withdraw_undecided: "return.withdrawn",
    record_label: "return.labelled",
    inspect: "return.inspected",
    inspect_and_accept_nothing: "return.inspected",
    record_refund: "return.refunded",
    expire: "return.expired",
}
PAIRS = [
    pytest.param(status, change, outcome, id=f"{change.__name__}: {status}")
    for change, outcomes in TABLE.items()
    for status, outcome in zip(REACHING, outcomes, strict=True)
]


@pytest.mark.parametrize(("status", "change", "outcome"), PAIRS)
def test_every_operation_in_every_status(status: str, change: Change, outcome: str) -> None:
    order = order_in(status)

    if outcome == REFUSED:
        with pytest.raises(RefundUnexpected if change is record_refund else CannotBeChanged):
            change(order)
    elif outcome == UNCHANGED:
        assert change(order) == (order, [])
    else:
        changed, [event] = change(order)
        entry = changed.find(RETURN)
        assert entry.status == outcome
        assert entry.history[:-1] == order.find(RETURN).history
        assert changed.version == order.version + 1 == event.aggregate_version
        assert event.event_type == PUBLISHED[change]
        assert event.data["status"] == outcome
        assert order == order_in(status), "returns are a value; the change made a new one"


class TestTheTableOfTransitions:
    """`TRANSITIONS` is the only place that says which status may follow which."""

    def test_every_command_and_every_status_is_in_it(self) -> None:
        assert set(TRANSITIONS) == set(Command)
        assert set(REACHING) == {status.value for status in ReturnStatus}
        assert set(TABLE) == set(COMMANDS)

    def test_the_methods_make_every_change_of_status_in_the_table_and_no_other(self) -> None:
        made = set()
        for status in REACHING:
            order = order_in(status)
            for change in COMMANDS:
                with suppress(CannotBeChanged, RefundUnexpected):
                    history = [entry.status for entry in change(order)[0].find(RETURN).history]
                    made |= set(pairwise(history[len(order.find(RETURN).history) - 1 :]))
        assert made == {(before, after) for table in TRANSITIONS.values() for before, after in table.items()}

    def test_every_public_method_is_a_command_of_these_tests(self) -> None:
        methods = {name for name, value in vars(OrderReturns).items() if isfunction(value) and name[0] != "_"}
        called = {name for change in [request, *COMMANDS] for name in change.__code__.co_names}
        assert methods - {"find"} <= called

    def test_the_diagram_in_the_readme_is_the_tables(self) -> None:
        page = PAGES["returns"].read_text()
        assert renewed("returns", page) == page, "run `python -m tools.contracts.status_diagrams`"


def test_each_status_says_whether_anything_is_still_to_be_done() -> None:
    """A final return leaves the operators' list, and only one that expired can still be inspected."""
    leads_on = {before for table in TRANSITIONS.values() for before in table}
    assert {status for status in ReturnStatus if not status.is_final} == leads_on - {ReturnStatus.EXPIRED}


def test_a_status_is_refused_by_name() -> None:
    with pytest.raises(CannotBeChanged, match="is withdrawn, which does not allow: accept"):
        accept(order_in("withdrawn"))


def test_the_whole_way_of_a_return_is_published_in_order() -> None:
    published = []
    order = order_in("requested")
    for change in (accept, record_label, inspect, record_refund):
        order, events = change(order)
        published += event_types(events)
    assert published == ["return.accepted", "return.labelled", "return.inspected", "return.refunded"]
