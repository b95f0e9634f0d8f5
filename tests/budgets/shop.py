"""The shop in one process, with all its consumers, which counts the calls of AWS and what DynamoDB charges for them.

It is the shop of the faults' tests (tests/faults/README.md): the shipped handlers, state machines, filter policies and
tables. What happens first and what next is always the same, so the counts are the same at every run.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.budgets.tables import ChargedTables, Units
from tests.faults.answers import Answer
from tests.faults.cloud import Cloud
from tests.faults.faults import Call
from tests.faults.machine import part_of
from tests.faults.template import Template, Types
from tests.template import Route, functions

PROVIDER = "PaymentsSandboxApiFunction"
"""The sandbox, which stands for the payment provider."""

# The answers of services that the faults' tests never ask.
_ANSWERS: dict[str, Any] = {
    "SignUp": {"UserSub": "ada", "UserConfirmed": False},
    "AdminAddUserToGroup": {},
    "AdminListGroupsForUser": {"Groups": []},
    "AdminGetUser": {
        "Username": "ada",
        "UserAttributes": [],
        "UserStatus": "CONFIRMED",
        "Enabled": True,
        "UserCreateDate": datetime(2026, 3, 1, tzinfo=UTC),
        "UserLastModifiedDate": datetime(2026, 3, 1, tzinfo=UTC),
    },
    "AdminDeleteUser": {},
}


class CountedShop(Cloud):
    """Does all work that is pending, without any fault."""

    left_out = ()

    def __init__(self) -> None:
        super().__init__()
        self.template = _WithOnlookers()
        self.tables: ChargedTables = ChargedTables(self.template)
        self.memory.used = False
        self.counts: dict[str, Units] = {}
        """By route, by step of a state machine, or by function: its invocations, calls, and units of capacity."""
        self._counting = ""

    def run(self) -> None:
        """Does what is pending, and what follows from it, until nothing is left."""
        while not self.at_rest:
            if not self.world.pending:
                self._wake()
            self._do(self.world.pending.pop(0), None)

    def send(self, event: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request of an API."""
        answer: dict[str, Any] = self._invoke(_route(event).function, event)
        return answer

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        name = str(_route(event)) if "httpMethod" in event else part_of(function, event)
        with self._counted_as(name):
            return super()._invoke(function, event)

    def _provide(self, call: Call) -> Answer:
        with self._counted_as(PROVIDER):
            return super()._provide(call)

    def _effect(self, call: Call) -> Answer:
        answer = super()._effect(call)
        if self._counting:
            self._count(f"{call.service}:{call.operation.partition(' ')[0]}", 1)
            for name, units in (self.tables.charged if call.service == "dynamodb" else {}).items():
                self._count(name, units)
        return answer

    def _served(self, service: str, operation: str, arguments: dict[str, Any]) -> Any:
        if operation in _ANSWERS:
            return _ANSWERS[operation]
        return super()._served(service, operation, arguments)

    @contextmanager
    def _counted_as(self, name: str) -> Iterator[None]:
        before, self._counting = self._counting, name
        self._count("invocations", 1)
        try:
            yield
        finally:
            self._counting = before

    def _count(self, what: str, number: float) -> None:
        counts = self.counts.setdefault(self._counting, {})
        counts[what] = counts.get(what, 0) + number


class _WithOnlookers(Template):
    """The template with the services that only look at orders; the faults' tests leave these out."""

    @property
    def subscribers(self) -> list[tuple[Types, str]]:
        """Which types of events each consuming function is sent."""
        return self.consumers


def _route(event: dict[str, Any]) -> Route:
    """The route of a request; one without a parameter goes before one with."""
    routes = [route for function in functions() for route in function.routes]
    return min(
        (
            route
            for route in routes
            if route.method == event["httpMethod"]
            and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), event["path"])
        ),
        key=lambda route: route.path.count("{"),
    )
