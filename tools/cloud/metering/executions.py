"""Records each `execution` of a state machine when it has ended.

- `machine`, `execution`: the names of both.
- `seconds`: its duration here; `input_bytes`: the size of its input.
- `transitions`: the number of states that it entered, also in branches and for items of a map, and of retries.
- `events`: type and name (of a state or a resource) of each event of its history; events of branches are not there.
"""

import time
from contextvars import ContextVar
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import stepfunctions  # type: ignore[import-not-found]

from . import recording

# What the execution at hand has entered beside its outermost states, and its retries. Its threads share the dictionary.
_tally: ContextVar[dict[str, int]] = ContextVar("tally")


class _CountedStates(dict[str, Any]):
    """The states of a branch or an item, which MiniStack looks up one by one as it enters them."""

    def get(self, name: str, default: Any = None) -> Any:
        _count()
        return super().get(name, default)


def install() -> None:
    """Hooks into the run of an execution."""
    run, run_inner = stepfunctions._run_execution, stepfunctions._run_sub_machine
    find_retrier = stepfunctions._find_matching_retrier

    def run_execution(arn: str) -> None:
        if not recording.is_on():
            run(arn)
            return
        # The thread begins with what the sender of StartExecution had; from here on the state machine is the caller.
        sender = recording.caller.set(_machine(stepfunctions._executions.get(arn)))
        token, started = _tally.set({"transitions": 0}), time.monotonic()
        try:
            run(arn)
            _record(stepfunctions._executions.get(arn), time.monotonic() - started)
        finally:
            _tally.reset(token)
            recording.caller.reset(sender)

    def run_states(states: Any, *more: Any) -> Any:
        return run_inner(_CountedStates(states), *more)

    def find_retrier_counted(*arguments: Any) -> Any:
        retrier, position = find_retrier(*arguments)
        if retrier is not None:
            _count()
        return retrier, position

    stepfunctions._run_execution = run_execution
    stepfunctions._run_sub_machine = run_states
    stepfunctions._find_matching_retrier = find_retrier_counted


def _count() -> None:
    if (tally := _tally.get(None)) is not None:
        tally["transitions"] += 1


def _machine(execution: Any) -> str:
    return str(execution["stateMachineArn"].rpartition(":")[2]) if execution else ""


def _record(execution: Any, seconds: float) -> None:
    if not execution:
        return
    entered = sum(event["type"].endswith("StateEntered") for event in execution["events"])
    recording.record(
        "execution",
        machine=_machine(execution),
        execution=execution["name"],
        seconds=seconds,
        input_bytes=len(execution["input"]),
        transitions=_tally.get()["transitions"] + entered,
        events=[(event["type"], _named(event)) for event in execution["events"]],
    )


def _named(event: dict[str, Any]) -> str:
    details = next((part for part in event.values() if isinstance(part, dict)), {})
    return str(details.get("name") or details.get("resource") or "")
