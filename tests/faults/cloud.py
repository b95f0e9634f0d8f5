"""The shop in one process: the shipped handlers and state machines, moto's tables, and everything between them.

`Cloud.step` takes the next pending piece of work through to its end, with the events that a schedule has for it. All
that a later step depends on is in the tables and in the `World`; a function's memory ends with its invocation, as on a
fresh execution environment. So `keep` and `restore` go back to any moment, and `fingerprint` recognises one.
"""

import logging
import os
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import filterfalse
from typing import Any

import requests
from botocore.client import BaseClient
from moto import mock_aws

from shared.aws import client
from tests.faults import faults
from tests.faults.deliveries import SCHEDULED, Deliveries
from tests.faults.faults import DELIVERY
from tests.faults.functions import Event, Point, Step
from tests.faults.machine import Execution, part_of
from tests.faults.requests import resumption
from tests.faults.tables import Item, Place
from tests.faults.world import Work, World

# How often an operator mends what is broken: once for each event of a schedule, and once more.
REDRIVES = 3
# How often the schedules come while they find something to do: to start over what was lost, to take it over, to park it
# if that fails as well, and once more for each event of a schedule that keeps them from it.
ROUNDS = 6
# How often an operator resumes the orders that are parked, each time with all mended: for each event, and once more.
RESUMPTIONS = 3
# What may come between two calls of another of the same service, in a world with `crossings`.
_CROSSING = ("request", "message")
# Longer than anything takes before a schedule looks at it.
_OVERDUE_SECONDS = 3600


@dataclass(frozen=True)
class Moment:
    """A moment to go back to."""

    world: World
    items: dict[Place, Item]


class Cloud(Deliveries):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self._due_then: tuple[Hashable, list[str]] | None = None
        # What is wrong with each content of the tables, by its number.
        self.judged: dict[int, list[str]] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """The account with its tables, while the body runs."""
        before = dict(os.environ)
        call, request = BaseClient._make_api_call, requests.Session.request  # type: ignore[attr-defined]
        self._call = call
        cloud = self

        def api_call(client_: Any, operation: str, arguments: dict[str, Any]) -> Any:
            return cloud._aws(client_.meta.service_model.service_name, operation, arguments)

        def http_request(_session: Any, method: str, url: str, **options: Any) -> Any:
            return cloud._http(method, url, options)

        os.environ["POWERTOOLS_METRICS_DISABLED"] = "true"
        logging.disable(logging.CRITICAL)
        with mock_aws():
            client.cache_clear()
            BaseClient._make_api_call = api_call  # type: ignore[attr-defined]
            requests.Session.request = http_request  # type: ignore[method-assign,assignment]
            try:
                for table in self.template.tables.values():
                    self._call(client("dynamodb"), "CreateTable", table)
                with self.clock.instead():
                    yield
            finally:
                BaseClient._make_api_call = call  # type: ignore[attr-defined]
                requests.Session.request = request  # type: ignore[method-assign]
                logging.disable(logging.NOTSET)
                os.environ.clear()
                os.environ.update(before)
                client.cache_clear()

    def empty(self) -> None:
        """Forgets all that lies, waits or is due."""
        self.world, self._due_then = World(), None
        self.tables.empty()

    def keep(self) -> Moment:
        """The present moment."""
        return Moment(self.world.copied(), self.tables.keep())

    def restore(self, moment: Moment) -> None:
        """Goes back to `moment`."""
        self.world = moment.world.copied()
        self.tables.restore(moment.items)

    def fingerprint(self) -> Hashable:
        """The same for moments whose futures are the same."""
        return self.tables.number, self.world.fingerprint

    def items(self, table: str) -> list[dict[str, Any]]:
        """All that lies in a table, as plain values, which are not to be changed."""
        return [item.plain for item in self.tables.items(table)]

    @property
    def idle(self) -> bool:
        """Whether nothing is left to happen."""
        return self.at_rest and not self.resumable

    @property
    def at_rest(self) -> bool:
        """Whether nothing goes on until an operator resumes what is parked."""
        world = self.world
        if world.pending or world.soon or world.latest or self._possible or self._redrivable:
            return False
        return not self._due

    @property
    def resumable(self) -> list[str]:
        """The ids of orders that an operator is yet to resume: parked, or at their end and unsettled."""
        if self.world.resumptions >= RESUMPTIONS:
            return []
        return [
            item["order_id"]
            for item in self.items("OrdersTable")
            if item.get("status") == "parked" or item.get("attention") == "unsettled"
        ]

    @property
    def _possible(self) -> list[str]:
        """The actions that make sense by now."""
        return [name for name in self.world.actions if name not in _SENSIBLE or _SENSIBLE[name](self)]

    @property
    def fulfilled(self) -> bool:
        """Whether a customer sees an order of which pieces can be returned."""
        return any("bought" in item for item in self.items("ReturnsTable"))

    @property
    def returns(self) -> set[str]:
        """The statuses of the returns that somebody waits for."""
        return {item["waiting"] for item in self.items("ReturnsTable") if "waiting" in item}

    @property
    def _redrivable(self) -> bool:
        """Whether an operator has yet to send the dead letters back to their queues, if they came from one."""
        return any(map(_came_from_a_queue, self.world.dead_letters)) and self.world.redrives < REDRIVES

    @property
    def _due(self) -> list[str]:
        """The scheduled functions that have something to do. One that would change nothing can do nothing wrong."""
        if self.world.rounds >= ROUNDS:
            return []
        moment = self.fingerprint()
        if self._due_then is None or self._due_then[0] != moment:
            due = [function for function in self.template.scheduled if self._would_change_something(function)]
            self._due_then = moment, due
        return self._due_then[1]

    @property
    def _is_overdue(self) -> bool:
        """Whether a schedule that comes now, for once, finds an order under way that nothing is bringing to its end."""
        if self.world.rounds:
            return False
        going_on = [
            execution.execution_id
            for execution in self.world.executions.values()
            if execution.status == "RUNNING"
        ]
        waiting = [
            order
            for order in self.items("OrdersTable")
            if order.get("attention", "").startswith("open#")
            and not any(order["order_id"] in execution for execution in going_on)
        ]
        return bool(waiting and self._due)

    def _round(self) -> list[Work]:
        """An hour passes, and the scheduled functions that have something to do come."""
        works = [Work("schedule", {"function": function}) for function in self._due]
        self.world.rounds, self.world.clock = self.world.rounds + 1, self.world.clock + _OVERDUE_SECONDS
        return works

    def _would_change_something(self, function: str) -> bool:
        world, items = self.world, self.tables.keep()
        self.world = world.copied()
        self.world.clock += _OVERDUE_SECONDS
        before = self.fingerprint()
        try:
            self._tried(function, SCHEDULED)
            return self.fingerprint() != before
        finally:
            self.world = world
            self.tables.restore(items)
            self.tables.written = []

    def step(self, events: list[Event] | None = None, *, more: bool = True) -> Step:
        """Takes the next work to its end, with `events`; returns what it was and its points.

        If the caller chooses no `more` events, the points do not say whether schedules can come early. To find that out
        takes a trial of each scheduled function.
        """
        world = self.world
        if not world.pending:
            self._wake()
        self._events = {}
        for index, event in events or []:
            self._events.setdefault(index, []).append(event)
        self._step = Step(str(world.pending[0]))
        self._say(f"- {self._step.name}")
        at_delivery = self._events.get(DELIVERY, [])
        self._step.points.append(
            Point(
                DELIVERY,
                str(world.pending[0]),
                self._delivery_faults(world.pending[0]),
                (*self._possible, *(["overdue"] if more and self._is_overdue else [])),
            )
        )
        for event in at_delivery:
            if event in faults.ACTIONS:
                self._act(event)
        swapped = "swap" in at_delivery
        work = world.pending.pop(1 if swapped else 0)
        fault = next((event for event in at_delivery if event not in (*faults.ACTIONS, "swap")), None)
        if fault or swapped:
            self._say(f"    ! {fault or f'swap: first {work}'}")
        self._do(work, fault)
        return self._step

    def _wake(self) -> None:
        """Nothing is pending: whoever has waited for that comes next."""
        world = self.world
        if possible := self._possible:
            # The customer acts at the latest when all else has come to an end, and so does the provider.
            world.pending.append(world.actions.pop(possible[0]))
        elif world.soon:
            world.pending.append(world.soon.pop(0)[1])
        elif world.latest:
            world.pending.append(world.latest.pop(0))
        elif self._redrivable:
            # An operator has mended what was broken, and redrives the dead letters.
            world.redrives, world.broken = world.redrives + 1, {}
            world.pending = list(filter(_came_from_a_queue, world.dead_letters))
            world.dead_letters = list(filterfalse(_came_from_a_queue, world.dead_letters))
        elif self._due:
            world.pending = self._round()
            world.helped |= {work.about["function"] for work in world.pending}
        else:
            world.pending = [resumption(order_id) for order_id in self.resumable]
            world.resumptions, world.broken = world.resumptions + 1, {}

    def _act(self, action: str) -> None:
        """Somebody else's action, to its end, before whatever goes on."""
        if action == "overdue":
            for work in self._round():
                self._say(f"    ! {action}: {work}")
                self._do(work, None)
            return
        if action == "race":
            position = self._rival()
            assert position is not None
            if self._kind == "task":
                self.world.races -= 1
            else:
                self.world.crossings -= 1
            work = self.world.pending.pop(position)
        else:
            work = self.world.actions.pop(action)
        self._say(f"    ! {action}: {work}")
        self._do(work, None)

    def _rival(self) -> int | None:
        """What may run between two calls of the present function, if anything may: the first pending one of its kind.

        That is a task of another execution, or a request or message of the same service, whose table both write.
        """
        if self._depth > 1 or not (self.world.races if self._kind == "task" else self.world.crossings):
            return None
        assert self._invocation is not None
        service = self.template.service_of(self._invocation.function)
        for position, work in enumerate(self.world.pending):
            if self._kind == "task":
                rivals = work.kind == "task"
            else:
                rivals = (
                    self._kind in _CROSSING
                    and work.kind in _CROSSING
                    and self.template.service_of(work.about["function"]) == service
                )
            if rivals:
                return position
        return None

    @property
    def _actions(self) -> tuple[str, ...]:
        """Which actions of others can come in before the present function's next call."""
        # A customer cancels only an order that they know of; accounts close at any moment.
        possible = [name for name in self._possible if name != "cancel" or self._kind != "request"]
        return (*possible, "race") if self._rival() is not None else tuple(possible)

    def _delivery_faults(self, work: Work) -> tuple[str, ...]:
        faults_: list[str] = []
        if len(self.world.pending) > 1 and work.kind not in ("request", "bounce"):
            faults_.append("swap")
        if work.kind == "message":
            if not work.again:
                faults_ += ["dup", "dup-late"]
            if work.about["function"] not in self.world.broken:
                faults_ += ["broken", "deaf"]
        elif work.kind == "stream":
            faults_ += ["dup"]
        elif work.kind in ("request", "bounce"):
            faults_ += ["unheard"] if work.again else ["unheard", "dup", "dup-late"]
        elif work.kind == "schedule":
            faults_ += ["unsent", "dup"]
        elif work.kind == "task":
            faults_ += self._task_faults(self.world.executions[work.about["execution"]])
        return tuple(faults_)

    def _task_faults(self, execution: Execution) -> list[str]:
        faults_ = ["unsent", "throttled", "unheard", "dup"]
        if execution.machine in self.template.express:
            faults_ += ["cut", "cut-after"]
        if part_of(*self.template.machines.task(execution)) not in self.world.broken:
            faults_ += ["broken", "deaf"]
        return faults_


# When an action makes sense that does not always; nobody decides on what they do not see.
_SENSIBLE: dict[str, Callable[[Cloud], bool]] = {
    "return": lambda cloud: cloud.fulfilled,
    "accept": lambda cloud: "requested" in cloud.returns,
    "inspect": lambda cloud: bool(cloud.returns & {"accepted", "labelled"}),
    "withdraw": lambda cloud: bool(cloud.returns & {"requested", "accepted", "labelled"}),
    "bounce": lambda cloud: bool(cloud._bounced),
}


def _came_from_a_queue(dead_letter: Work) -> bool:
    """Whether it is a message of a consumer, and not one that a function itself took for hopeless."""
    return bool(dead_letter.about["function"])
