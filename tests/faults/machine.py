"""An interpreter of the state machines as they are shipped, whose whole state is data.

Step Functions' own semantics, for the part of the Amazon States Language that the files use; anything else is refused
when it is met, so a new construct cannot pass unnoticed. `test_machine.py` compares it with moto's interpreter. It has
no clock: between two tries of a task no time passes, which the retries' intervals would only add.

The language: https://states-language.net/spec.html
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.faults.numbered import number_of

_TOKEN = re.compile(r"\.(\w+)|\[(\d+)\]")
# What no retrier and no catcher takes as one of "all": https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_NOT_ALL = {"States.Runtime", "States.DataLimitExceeded"}


class UnsupportedAsl(Exception):
    """The definition uses something that this interpreter does not know."""


class _NoSuchPath(Exception):
    """A path leads nowhere."""


@dataclass
class Execution:
    """One execution; `state` is where it stands.

    What its attributes hold is never changed in its place, so a shallow copy is one of its own.
    """

    execution_id: str
    machine: str
    state: str
    data: Any
    given: Any
    status: str = "RUNNING"
    tries: dict[int, int] = field(default_factory=dict)
    error: dict[str, str] | None = None

    @property
    def number(self) -> int:
        """The same for those that go on alike; nobody reads what an ended one carried."""
        what: list[Any] = [self.execution_id, self.status, self.given, self.error]
        if self.status == "RUNNING":
            what += [self.state, self.data, self.tries]
        return number_of(json.dumps(what, sort_keys=True))


class Machines:
    """Runs executions of `definitions` (by machine), whose tasks invoke `functions` (by machine and parameter)."""

    def __init__(self, definitions: dict[str, dict[str, Any]], functions: dict[str, dict[str, str]]) -> None:
        self._definitions = definitions
        self._functions = functions

    def start(self, executions: dict[str, Execution], machine: str, name: str, given: Any) -> list[str]:
        """Adds an execution and brings it to its first task; returns the executions that now wait for a function."""
        execution_id = f"{machine}:{name}"
        first = self._definitions[machine]["StartAt"]
        executions[execution_id] = Execution(execution_id, machine, first, given, given)
        return self._advance(executions[execution_id])

    def task(self, execution: Execution) -> tuple[str, Any]:
        """The function that the execution's task invokes, and its payload; see `part_of`."""
        state = self._state(execution)
        if state["Resource"] != "arn:aws:states:::lambda:invoke":
            raise UnsupportedAsl(state["Resource"])
        arguments = _filled(state["Parameters"], execution.data)
        parameter = re.fullmatch(r"\$\{(\w+)\}", arguments["FunctionName"])
        if parameter is None:
            raise UnsupportedAsl(arguments["FunctionName"])
        return self._functions[execution.machine][parameter[1]], arguments["Payload"]

    def succeed(self, executions: dict[str, Execution], execution_id: str, payload: Any) -> list[str]:
        """The task's function answered; returns the executions that now wait for a function."""
        execution = executions[execution_id]
        try:
            self._finish(execution, {"StatusCode": 200, "Payload": payload})
        except _NoSuchPath as error:
            return self.fail(executions, execution_id, "States.ParameterPathFailure", str(error))
        return self._advance(execution)

    def fail(self, executions: dict[str, Execution], execution_id: str, name: str, cause: str) -> list[str]:
        """The task failed; returns the executions that now wait for a function, which may be this one again."""
        execution = executions[execution_id]
        state = self._state(execution)
        for position, retrier in enumerate(state.get("Retry", [])):
            if _matches(retrier["ErrorEquals"], name):
                if execution.tries.get(position, 0) < retrier.get("MaxAttempts", 3):
                    execution.tries = {**execution.tries, position: execution.tries.get(position, 0) + 1}
                    return [execution_id]
                break
        for catcher in state.get("Catch", []):
            if _matches(catcher["ErrorEquals"], name):
                caught = {"Error": name, "Cause": cause}
                self._go(
                    execution, catcher["Next"], _placed(execution.data, catcher.get("ResultPath"), caught)
                )
                return self._advance(execution)
        return self._end(execution, "FAILED", {"Error": name, "Cause": cause})

    def _advance(self, execution: Execution) -> list[str]:
        """Goes through the states that invoke nothing."""
        while True:
            state = self._state(execution)
            match state["Type"]:
                case "Task":
                    return [execution.execution_id]
                case "Choice":
                    self._go(execution, _chosen(state, execution.data), execution.data)
                case "Succeed":
                    return self._end(execution, "SUCCEEDED")
                case "Fail":
                    error = {"Error": state.get("Error", ""), "Cause": state.get("Cause", "")}
                    return self._end(execution, "FAILED", error)
                case kind:
                    raise UnsupportedAsl(f"state type {kind}")

    def _end(self, execution: Execution, status: str, error: dict[str, str] | None = None) -> list[str]:
        execution.status, execution.error = status, error
        return []

    def _finish(self, execution: Execution, result: Any) -> None:
        """Leaves a task with its result."""
        state = self._state(execution)
        if "ResultSelector" in state:
            result = _filled(state["ResultSelector"], result)
        data = _placed(execution.data, state.get("ResultPath"), result)
        self._go(execution, _END if state.get("End") else state["Next"], data)

    def _go(self, execution: Execution, state: str, data: Any) -> None:
        execution.state, execution.data, execution.tries = state, data, {}

    def _state(self, execution: Execution) -> dict[str, Any]:
        if execution.state == _END:
            return {"Type": "Succeed"}
        state: dict[str, Any] = self._definitions[execution.machine]["States"][execution.state]
        unknown = state.keys() - _KNOWN_FIELDS
        if unknown:
            raise UnsupportedAsl(f"{execution.state}: {', '.join(sorted(unknown))}")
        return state


_END = "(end)"
_KNOWN_FIELDS = {
    *("Type", "Comment", "Next", "End", "Resource", "Parameters", "TimeoutSeconds", "ResultSelector"),
    *("ResultPath", "Retry", "Catch", "Choices", "Default", "Error", "Cause"),
}


def part_of(function: str, payload: Any) -> str:
    """The part of `function` that breaks by itself: the step that the payload names, or the function as a whole."""
    return f"{function}/{payload['step']}" if "step" in payload else function


def _matches(names: list[str], name: str) -> bool:
    if name in names:
        return True
    if "States.ALL" in names and name not in _NOT_ALL:
        return True
    return "States.TaskFailed" in names and name != "States.Timeout" and name not in _NOT_ALL


def _at(path: str, data: Any) -> Any:
    position = 1
    if not path.startswith("$") or path.startswith("$$"):
        raise UnsupportedAsl(path)
    while position < len(path):
        token = _TOKEN.match(path, position)
        if token is None:
            raise UnsupportedAsl(path)
        try:
            data = data[token[1]] if token[1] else data[int(token[2])]
        except (KeyError, IndexError, TypeError) as error:
            raise _NoSuchPath(path) from error
        position = token.end()
    return data


def _filled(template: Any, data: Any) -> Any:
    """The value of Parameters or of a ResultSelector."""
    if not isinstance(template, dict):
        return template
    filled = {}
    for name, value in template.items():
        if name.endswith(".$"):
            filled[name.removesuffix(".$")] = _at(value, data)
        else:
            filled[name] = _filled(value, data)
    return filled


def _placed(data: Any, path: str | None, result: Any) -> Any:
    """`data` with `result` at `path`."""
    if path is None or path == "$":
        return result
    name = re.fullmatch(r"\$\.(\w+)", path)
    if name is None:
        raise UnsupportedAsl(path)
    return {**data, name[1]: result}


def _chosen(state: dict[str, Any], data: Any) -> str:
    for choice in state["Choices"]:
        if _holds(choice, data):
            return str(choice["Next"])
    return str(state["Default"])


def _holds(rule: dict[str, Any], data: Any) -> bool:
    if "And" in rule:
        return all(_holds(part, data) for part in rule["And"])
    if "Or" in rule:
        return any(_holds(part, data) for part in rule["Or"])
    if "Not" in rule:
        return not _holds(rule["Not"], data)
    ((comparison, wanted),) = ((key, rule[key]) for key in rule if key not in {"Variable", "Next", "Comment"})
    try:
        value = _at(rule["Variable"], data)
    except _NoSuchPath:
        if comparison == "IsPresent":
            return not wanted
        raise
    match comparison:
        case "IsPresent":
            return bool(wanted)
        case "BooleanEquals" | "StringEquals" | "NumericEquals":
            return bool(value == wanted and type(value) is type(wanted))
    raise UnsupportedAsl(comparison)
