"""Each state machine ends before its history is full, however large its work is.

Step Functions ends an execution whose history has 25,000 events:
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html. The tests count the events that the shipped
definitions add to it.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from catalog.domain.product_import import CHUNK_LINES, MAX_LINES
from jobs.domain.requests import MAX_DAYS
from orders.domain.export import (
    FULL_PAGES,
    MAX_ORDERS,
    PAGE_DAYS,
    PAGE_ORDERS,
    Period,
    Place,
    page_of,
    page_orders,
)
from tools.settings import REPOSITORY

HISTORY = 25_000
FAILED_TRIES = 2
"""How often each task of each round may fail, and still the history holds the execution."""

# A state adds StateEntered and StateExited, a task its Scheduled, Started and Succeeded (or Failed, at each try).
_OF_STATE, _OF_TRY = 2, 3
# Beside these, a Map has MapStateStarted and MapStateSucceeded, and each of its rounds its Started and Succeeded.
_OF_MAP, _OF_MAP_ROUND = 2, 2
# An execution has Started and Succeeded.
_OF_EXECUTION = 2

ROUNDS = {
    # A page ends when it is full, or when it has looked through PAGE_DAYS.
    ("order_export", "MayGoOn"): FULL_PAGES + math.ceil(MAX_DAYS / PAGE_DAYS),
    ("product_import", "ApplyChunks"): math.ceil(MAX_LINES / CHUNK_LINES),
}
"""How often each loop of each machine runs at most, by the state with which a round starts."""


@dataclass(frozen=True)
class Machine:
    """A state machine, or a part of one, as a graph."""

    states: dict[str, dict[str, Any]]
    start: str

    def following(self, name: str) -> Iterator[str]:
        state = self.states[name]
        branches = [*state.get("Choices", []), *state.get("Catch", []), state]
        yield from (branch[key] for branch in branches for key in ("Next", "Default") if key in branch)

    def loops(self) -> Iterator[list[str]]:
        """The states of each loop, from the one that is entered first."""

        def walk(path: list[str]) -> Iterator[list[str]]:
            for name in self.following(path[-1]):
                if name in path:
                    yield path[path.index(name) :]
                else:
                    yield from walk([*path, name])

        yield from walk([self.start])


def machine(name: str) -> Machine:
    definition = json.loads((REPOSITORY / "statemachines" / f"{name}.asl.json").read_text())
    return Machine(definition["States"], definition["StartAt"])


MACHINES = {
    path.name.removesuffix(".asl.json"): machine(path.name.removesuffix(".asl.json"))
    for path in (REPOSITORY / "statemachines").glob("*.asl.json")
}


def events_of(state: dict[str, Any], failed: int, rounds: int) -> int:
    """The events that one pass through a state adds, if each of its tasks fails that often; `rounds` are a Map's."""
    events = _OF_STATE
    if state["Type"] == "Task":
        events += _OF_TRY * (1 + failed)
    if state["Type"] == "Parallel":
        events += _OF_MAP + sum(
            events_of(inner, failed, rounds)
            for branch in state["Branches"]
            for inner in branch["States"].values()
        )
    if state["Type"] == "Map":
        inner = state["ItemProcessor"]["States"].values()
        each = _OF_MAP_ROUND + sum(events_of(inner_state, failed, rounds) for inner_state in inner)
        events += _OF_MAP + rounds * each
    return events


def longest_history(name: str, failed: int) -> int:
    """The events of an execution that goes through every state, and through each loop as often as it ever does."""
    states, loops = MACHINES[name].states, list(MACHINES[name].loops())
    repeated = {state: ROUNDS[name, loop[0]] for loop in loops for state in loop}
    return _OF_EXECUTION + sum(
        repeated.get(state, 1) * events_of(definition, failed, ROUNDS.get((name, state), 1))
        for state, definition in states.items()
    )


@pytest.mark.parametrize("name", MACHINES)
def test_the_history_holds_the_largest_execution_even_if_every_task_fails_twice(name: str) -> None:
    assert longest_history(name, FAILED_TRIES) < HISTORY


def test_a_page_of_an_export_adds_21_events_and_the_largest_export_leaves_half_of_the_history() -> None:
    export = MACHINES["order_export"]
    (loop,) = export.loops()

    assert sum(events_of(export.states[state], 0, 1) for state in loop) == 21
    assert longest_history("order_export", failed=0) < HISTORY / 2


@pytest.mark.parametrize("orders", [0, 1, 249_999, 250_001, 600_000, MAX_ORDERS - 1, MAX_ORDERS])
def test_orders_fill_no_more_pages_than_the_history_has_room_for(orders: int) -> None:
    assert page_orders(orders) >= PAGE_ORDERS
    assert math.ceil(orders / page_orders(orders)) <= FULL_PAGES


YEAR = Period.model_validate({"from": "2026-01-01", "to": "2027-01-01", "format": "csv"})


@pytest.mark.parametrize("days", [1, 7, 366], ids=lambda days: f"on {days} days")
def test_six_hundred_thousand_orders_of_a_year_are_exported_in_no_more_pages_than_that(days: int) -> None:
    """At 500 orders a page they would have added more events than a history holds."""
    orders = 600_000
    number_on = {YEAR.first_day + timedelta(days=day * 366 // days): orders // days for day in range(days)}

    def placed_on(day: date, after: str) -> Iterator[tuple[str, str]]:
        first = int(after) + 1 if after else 0
        return ((f"{number:07}", f"{day}-{number}") for number in range(first, number_on.get(day, 0)))

    start: Place | None = Place(number=1).with_orders(YEAR, lambda day: number_on.get(day, 0))
    exported, pages = 0, 0
    while start:
        assert start.orders == sum(number_on.values())
        ids, start = page_of(YEAR, start, placed_on, page_orders(start.orders))
        exported, pages = exported + len(ids), pages + 1

    assert exported == sum(number_on.values())
    assert pages <= ROUNDS["order_export", "MayGoOn"]


def test_only_exports_and_imports_repeat_their_states() -> None:
    """Any other loop needs a bound in ROUNDS, and a rule in the code that keeps it."""
    loops = {(name, loop[0]) for name, machine in MACHINES.items() for loop in machine.loops()}
    maps = {
        (name, state)
        for name, machine in MACHINES.items()
        for state, definition in machine.states.items()
        if definition["Type"] == "Map"
    }
    assert loops | maps == set(ROUNDS)
