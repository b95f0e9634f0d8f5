"""The table of permissions: which grants count as used, and which may stay unused."""

from pathlib import Path

import pytest

from tests.system.removed_permissions import planned
from tools.permissions.exceptions import EXPECTED as EXCEPTIONS
from tools.permissions.exceptions import reason_for
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


def test_a_permission_is_taken_from_the_shortest_tests_of_the_file_that_needed_it_most() -> None:
    of_b = [f"b.py::{number}" for number in (4, 3, 2, 1)]
    needed = Row(*READ, USED, tests=("", "alone.py::short", *of_b))
    by_fixtures = Row(*GIVEN_UP, USED, tests=("",))
    seconds = {"alone.py::short": 0.0, **dict(zip(of_b, (0.4, 0.3, 0.2, 0.1), strict=True))}
    assert planned([needed, by_fixtures], seconds) == {test: [needed] for test in reversed(of_b[1:])}


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
