"""The table of permissions: which grants count as used, and which may stay unused."""

from pathlib import Path

import pytest

from tests.system.needed_permissions import Turn, Turns, name_of
from tools.permissions.exceptions import EXPECTED as EXCEPTIONS
from tools.permissions.exceptions import reason_for
from tools.permissions.record import Shown
from tools.permissions.table import DENIED, EXPECTED, UNUSED, USED, Row, joined
from tools.settings import REPOSITORY

READ = ("OrdersApiFunction", "dynamodb:GetItem", "table/OrdersTable")
GIVEN_UP = ("OrdersExportPageFunction", "s3:AbortMultipartUpload", "JobsBucket/work/*")


@pytest.mark.parametrize(
    ("states", "joint"),
    [
        ([UNUSED, USED], USED),
        ([UNUSED, UNUSED], UNUSED),
        ([USED, DENIED], DENIED),
    ],
)
def test_a_grant_is_used_if_one_stack_used_it_and_denied_if_one_denied_it(
    states: list[str], joint: str
) -> None:
    assert joined(Row(*READ, state) for state in states) == [Row(*READ, joint)]


def test_the_tests_that_need_a_grant_are_those_of_all_stacks() -> None:
    [row] = joined([Row(*READ, USED, tests=("b", "a")), Row(*READ, USED, tests=("c",)), Row(*READ, UNUSED)])
    assert row.tests == ("a", "b", "c")


def test_permissions_of_several_parts_are_taken_at_once_from_the_test_that_shows_most_for_its_seconds() -> (
    None
):
    relay = [
        Row("OrdersRelayFunction", action, "OrdersTable", USED, tests=("b::all",)) for action in ("a", "b")
    ]
    push = Row("InventoryCommitFunction", "a", "InventoryTable", USED, tests=("b::all", "b::push"))
    turns = Turns([*relay, push], {"b::all": 2.0, "b::push": 1.0})
    assert turns.next(Shown(), now=0.0) == Turn("b::all", (push, relay[0]))


def test_an_apis_permission_is_taken_alone_since_its_refusal_ends_the_test() -> None:
    api, push = (
        Row(part, "a", "r", USED, tests=("b::all",)) for part in ("OrdersApiFunction", "InventoryCommit")
    )
    known, turns = Shown(), Turns([api, push], {"b::all": 60.0})
    assert turns.next(known, now=0.0) == Turn("b::all", (api,))
    known.test[name_of(api)] = "b::all"
    assert turns.next(known, now=0.0) == Turn("b::all", (push,))


def test_a_test_says_the_more_the_larger_the_share_of_its_file_that_needed_the_permission() -> None:
    of_b = [f"b.py::{number}" for number in range(4)]
    needed = Row(*READ, USED, tests=("alone.py::short", *of_b))
    seconds = dict.fromkeys(("alone.py::short", *(f"alone.py::{number}" for number in range(9)), *of_b), 1.0)
    chosen = Turns([needed], seconds).next(Shown(), now=0.0)
    assert chosen is not None
    assert chosen.test in of_b


def test_a_file_says_less_with_each_of_its_tests_that_was_in_vain() -> None:
    row = Row(*READ, USED, tests=("a.py::1", "a.py::2", "a.py::3", "b.py::1"))
    turns, in_vain = Turns([row], dict.fromkeys(row.tests, 1.0)), ["a.py::1", "a.py::2"]
    assert turns.next(Shown(in_vain={name_of(row): in_vain}), now=0.0) == Turn("b.py::1", (row,))


def test_what_is_known_of_one_queue_tells_where_to_try_the_function_on_another() -> None:
    first, second = (Row("Check", "ask", queue, USED, tests=("a::1", "b::1", "c::1")) for queue in "12")
    turns = Turns([first, second], {"a::1": 1.0, "b::1": 2.0, "c::1": 3.0})
    assert turns.next(Shown(taken_until={name_of(first): 9.0}), now=0.0) == Turn("a::1", (second,))
    known = Shown(taken_until={name_of(first): 9.0}, in_vain={name_of(first): ["a::1"]})
    assert turns.next(known, now=0.0) == Turn("b::1", (second,))
    assert turns.next(Shown(test={name_of(first): "c::1"}), now=0.0) == Turn("c::1", (second,))


def test_a_search_leaves_what_is_shown_what_was_in_vain_and_what_another_search_tries() -> None:
    row = Row(*READ, USED, tests=("", "b::1", "b::2"))
    name, turns = name_of(row), Turns([row], {"b::1": 1.0, "b::2": 2.0})
    assert turns.next(Shown(), now=0.0) == Turn("b::1", (row,))
    assert turns.next(Shown(in_vain={name: ["b::1"]}), now=0.0) == Turn("b::2", (row,))
    assert turns.next(Shown(in_vain={name: ["b::1", "b::2"]}), now=0.0) == Turn("b::1", (row,))
    assert turns.next(Shown(in_vain={name: ["b::1", "b::2"] * 2}), now=0.0) is None
    assert turns.next(Shown(test={name: "b::1"}), now=0.0) is None
    assert turns.next(Shown(taken_until={name: 9.0}), now=8.0) is None
    assert turns.next(Shown(taken_until={name: 9.0}), now=10.0) == Turn("b::1", (row,))


def test_a_grant_that_is_expected_to_be_unused_is_no_fault() -> None:
    assert joined([Row(*GIVEN_UP, UNUSED)]) == [Row(*GIVEN_UP, EXPECTED)]
    assert joined([Row(*GIVEN_UP, USED)]) == [Row(*GIVEN_UP, USED)]


def test_what_is_denied_is_a_fault_even_if_it_may_be_unused() -> None:
    assert joined([Row(*GIVEN_UP, DENIED)]) == [Row(*GIVEN_UP, DENIED)]


def test_few_grants_are_expected_to_be_unused_each_with_a_reason_and_a_test() -> None:
    assert len(EXCEPTIONS) <= 15
    for expected in EXCEPTIONS:
        assert expected.reason
        assert (REPOSITORY / Path(expected.test)).is_file(), expected.test
    assert not reason_for(*READ)
