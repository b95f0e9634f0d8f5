"""The shop's functions in process, and what goes wrong at their outgoing calls.

A function's memory ends with its invocation, as on a fresh execution environment.
"""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from botocore.exceptions import ClientError

from shared.observability import metrics
from tests.faults import faults
from tests.faults.faults import Call, Ended, faults_of
from tests.faults.services import Services, environment, forget_resources, http_answer
from tests.faults.template import PROVIDER_URL
from tests.faults.world import Work

# SES has no idempotency token: a mail that it took is sent again when its answer, or the record of it, is lost.
_DOUBLING = {
    ("NotificationsMailFunction", "SendEmail"): ("lost", "resent", "killed-after", "late", "latest"),
    ("NotificationsMailFunction", "UpdateItem"): ("error", "throttle", "killed", "late", "latest"),
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

    def __init__(self) -> None:
        super().__init__()
        self.trace: Callable[[str], None] | None = None
        self._invocation: _Invocation | None = None
        self._step = Step("")
        self._events: dict[int, list[str]] = {}
        self._kind = ""
        self._depth = 0

    def _provide(self, operation: str, arguments: dict[str, Any]) -> requests.Response:
        """See Services; the provider's own calls are no calls of the function that asks it."""
        before, self._invocation = self._invocation, None
        try:
            return super()._provide(operation, arguments)
        finally:
            self._invocation = before

    def _act(self, action: str) -> None:
        """Somebody else's action, to its end, before whatever goes on."""
        raise NotImplementedError(action)

    def _actions(self, work_kind: str) -> tuple[str, ...]:
        """Which actions of others can come in between the calls of such work."""
        raise NotImplementedError(work_kind)

    def _invoke(self, function: str, event: dict[str, Any]) -> Any:
        """The function's answer; raises what its handler raises, or Ended."""
        declared = self.template.functions[function]
        before = self._invocation
        self._invocation = _Invocation(function)
        forget_resources(declared.module.partition(".")[0])
        try:
            with environment(declared.environment):
                handler = importlib.import_module(declared.module).handler
                answer = json.loads(json.dumps(handler(event, self._context)))
            if self._invocation.ended:
                raise self._invocation.ended
            return answer
        finally:
            metrics.clear_metrics()
            self._invocation = before

    def _aws(self, client: Any, service: str, operation: str, arguments: dict[str, Any]) -> Any:
        if self._invocation is None:
            return self._effect(client, service, operation, arguments)
        call = Call(self._invocation.function, service, operation, arguments)
        return self._outgoing(call, lambda: self._effect(client, service, operation, arguments))

    def _http(self, method: str, url: str, options: dict[str, Any]) -> Any:
        assert self._invocation is not None and url.startswith(PROVIDER_URL)
        operation = f"{method} {url.removeprefix(PROVIDER_URL)}"
        arguments = {
            "headers": dict(options["headers"]),
            "form": dict(options["data"] or {}),
            "query": dict(options["params"] or {}),
        }
        call = Call(self._invocation.function, "provider", operation, arguments)
        return self._outgoing(call, lambda: self._provide(operation, arguments))

    def _outgoing(self, call: Call, effect: Callable[[], Any]) -> Any:
        invocation = self._invocation
        assert invocation is not None
        if invocation.ended:
            raise invocation.ended
        index = len(self._step.points) - 1
        events = self._events.get(index, [])
        self._step.points.append(Point(index, str(call), faults_of(call), self._actions(self._kind)))
        self._say(f"    {index} {call}{' ! ' + ', '.join(events) if events else ''}")
        fault = None
        for event in events:
            if event in faults.ACTIONS:
                self._act(event)
                self._invocation = invocation
            else:
                fault = event
        if call.service == "provider" and invocation.provider:
            fault = "error" if invocation.provider == "down" else "lost"
            if invocation.provider == "down":
                raise requests.ConnectionError("as the schedule has it")
        if fault in _DOUBLING.get((call.function, call.operation), ()):
            self.world.doubtful_mails += 1
        return self._faulty(call, effect, fault) if fault else effect()

    def _faulty(self, call: Call, effect: Callable[[], Any], fault: str) -> Any:  # noqa: C901, PLR0912 - a case a fault
        invocation = self._invocation
        assert invocation is not None
        match fault:
            case "error" | "throttle" if call.service == "provider":
                return http_answer(500 if fault == "error" else 429, '{"error": {"type": "api_error"}}')
            case "error":
                raise faults.refused(call, "InternalServerError")
            case "throttle":
                raise faults.refused(call, "ThrottlingException")
            case "contended":
                raise faults.cancelled(call)
            case "down":
                invocation.provider = "down"
                raise requests.ConnectionError("as the schedule has it")
            case "mute":
                invocation.provider = "mute"
                effect()
                raise faults.unanswered(call)
            case "lost":
                _whatever_comes(effect)
                raise faults.unanswered(call)
            case "resent":
                _whatever_comes(effect)
                return effect()
            case "partial":
                entries = call.arguments["PublishBatchRequestEntries"]
                failed = [
                    {"Id": entry["Id"], "Code": "InternalError", "SenderFault": False} for entry in entries
                ]
                return {"Successful": [], "Failed": failed}
            case "unprocessed":
                return {"Responses": {}, "UnprocessedKeys": call.arguments["RequestItems"]}
            case "killed":
                invocation.ended = Ended(faults.KILLED)
            case "killed-after":
                _whatever_comes(effect)
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


def _whatever_comes(effect: Callable[[], Any]) -> None:
    """Lets the request take effect; its answer, a refusal perhaps, reaches nobody."""
    try:
        effect()
    except ClientError:
        return
