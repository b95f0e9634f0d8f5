"""The shop's functions in process, and what goes wrong at their outgoing calls.

A function's memory ends with its invocation, as on a fresh execution environment.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.faults import faults
from tests.faults.answers import Answer
from tests.faults.faults import Call, Ended
from tests.faults.services import Services, http_answer
from tests.faults.template import PROVIDER_URL
from tests.faults.world import Work

# SES has no idempotency token: a mail that it took is sent again when its answer, or the record of it, is lost.
_DOUBLING = {
    ("NotificationsSendMailFunction", "SendEmail"): ("lost", "resent", "killed-after", "late", "latest"),
    ("NotificationsSendMailFunction", "UpdateItem"): ("error", "throttle", "killed", "late", "latest"),
}

# An event of a schedule within one step: at which call (or at the delivery) what happens.
Event = tuple[int, str]


@dataclass
class Point:
    """A moment of a step at which something can happen, and what."""

    index: int
    what: str
    faults: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass
class Step:
    """What a step was, and its points in their order."""

    name: str
    points: list[Point] = field(default_factory=list)


@dataclass
class _Invocation:
    function: str
    # Once the process has ended it calls nobody any more.
    ended: Ended | None = None
    # "down" or "mute", from then on.
    provider: str | None = None


class Functions(Services):
    """Invokes functions, and lets the events of the present step happen at their calls."""

    # Nothing about an order hangs on these tables. So a write to them succeeds, and is no part of a moment.
    left_out: tuple[str, ...] = ("AuditTrailTable",)

    def __init__(self) -> None:
        super().__init__()
        self.trace: Callable[[str], None] | None = None
        self._invocation: _Invocation | None = None
        self._step = Step("")
        self._events: dict[int, list[str]] = {}
        self._kind = ""
        self._depth = 0

    def _act(self, action: str) -> None:
        """Somebody else's action, to its end, before whatever goes on."""
        raise NotImplementedError(action)

    @property
    def _actions(self) -> tuple[str, ...]:
        """Which actions of others can come in before the present function's next call."""
        raise NotImplementedError

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        """The function's answer; raises what its handler raises, or Ended."""
        before = self._invocation
        invocation = self._invocation = _Invocation(function)

        def run(ask: Callable[[Call], Answer]) -> Answer:
            answer = self._run(function, event, ask)
            if invocation.ended:
                raise invocation.ended
            return answer

        def outgoing(call: Call) -> Answer:
            return self._outgoing(invocation, call)

        try:
            answer = self.memory.invoked((function, json.dumps(event, sort_keys=True)), outgoing, run)
        finally:
            self._invocation = before
        if answer.error is not None:
            raise answer.error
        return answer.given()

    def _tried(self, function: str, event: dict[str, Any]) -> Answer:
        """What the function comes to when nothing happens at its calls; no step, and no points of a schedule."""
        before, self._invocation = self._invocation, _Invocation(function)
        try:
            return self.memory.invoked(
                (function, json.dumps(event, sort_keys=True)),
                self._effect,
                lambda ask: self._run(function, event, ask),
            )
        finally:
            self._invocation = before

    def _aws(self, service: str, operation: str, arguments: dict[str, Any]) -> Any:
        """A call of the function that runs, or of the harness itself, which `_effect` answers."""
        function = self._invocation.function if self._invocation else ""
        call = Call(function, service, operation, copy.deepcopy(arguments))
        return (self._asked or self._effect)(call).given()

    def _http(self, method: str, url: str, options: dict[str, Any]) -> requests.Response:
        assert self._invocation is not None and self._asked is not None and url.startswith(PROVIDER_URL)
        arguments = {
            "headers": dict(options["headers"]),
            "form": dict(options["data"] or {}),
            "query": dict(options["params"] or {}),
        }
        operation = f"{method} {url.removeprefix(PROVIDER_URL)}"
        answer = self._asked(Call(self._invocation.function, "provider", operation, arguments)).given()
        return http_answer(answer["status"], answer["body"])

    def _outgoing(self, invocation: _Invocation, call: Call) -> Answer:
        """What a call comes to, with what the schedule has for it; raises Ended if the process does not live on."""
        if invocation.ended:
            raise invocation.ended
        if call.service == "dynamodb" and call.writes_only(self.left_out):
            return Answer({})
        index = len(self._step.points) - 1
        events = self._events.get(index, [])
        self._step.points.append(Point(index, call.name, call.faults, self._actions))
        if self.trace:
            self._say(f"    {index} {call}{' ! ' + ', '.join(events) if events else ''}")
        fault = None
        for event in events:
            if event in faults.ACTIONS:
                self._act(event)
                self._invocation = invocation
            else:
                fault = event
        if call.service == "provider" and invocation.provider:
            if invocation.provider == "down":
                return _failed(requests.ConnectionError("as the schedule has it"))
            fault = "lost"
        if fault in _DOUBLING.get((call.function, call.operation), ()):
            self.world.doubtful_mails += 1
        return self._faulty(invocation, call, fault) if fault else self._effect(call)

    def _faulty(self, invocation: _Invocation, call: Call, fault: str) -> Answer:  # noqa: C901, PLR0911, PLR0912 - a case a fault
        match fault:
            case "error" | "throttle" if call.service == "provider":
                status = 500 if fault == "error" else 429
                return Answer({"status": status, "body": '{"error": {"type": "api_error"}}'})
            case "error":
                return _failed(faults.refused(call, "InternalServerError"))
            case "throttle":
                return _failed(faults.refused(call, "ThrottlingException"))
            case "contended":
                return _failed(faults.cancelled(call))
            case "down":
                invocation.provider = "down"
                return _failed(requests.ConnectionError("as the schedule has it"))
            case "mute":
                invocation.provider = "mute"
                self._effect(call)
                return _failed(faults.unanswered(call))
            case "lost":
                self._effect(call)
                return _failed(faults.unanswered(call))
            case "resent":
                self._effect(call)
                return self._effect(call)
            case "partial":
                entries = call.arguments["PublishBatchRequestEntries"]
                failed = [
                    {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries
                ]
                return Answer({"Successful": [], "Failed": failed})
            case "unprocessed":
                return Answer({"Responses": {}, "UnprocessedKeys": call.arguments["RequestItems"]})
            case "killed":
                invocation.ended = Ended(faults.KILLED)
            case "killed-after":
                self._effect(call)
                invocation.ended = Ended(faults.KILLED)
            case "late" | "latest":
                about = {"service": call.service, "operation": call.operation, "arguments": call.arguments}
                arrival = Work("arrival", about)
                if fault == "late":
                    # The end of the present task, if it is one, and that of the next.
                    self.world.soon.append((1 + (self._kind == "task"), arrival))
                else:
                    self.world.latest.append(arrival)
                invocation.ended = Ended(faults.OUT_OF_TIME)
            case _:
                raise ValueError(f"no such fault at {call}: {fault}")
        raise invocation.ended

    def _say(self, line: str) -> None:
        if self.trace:
            self.trace("  " * max(self._depth - 1, 0) + line)


def _failed(error: Exception) -> Answer:
    return Answer(error=error)
