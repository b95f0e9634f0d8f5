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
    """One execution, or one branch of a parallel state in it. `state` is where it stands, `scope` in which part.

    What its attributes hold is never changed in its place, so a shallow copy is one of its own.
    """

    execution_id: str
    machine: str
    scope: tuple[tuple[str, int], ...]
    state: str
    data: Any
    given: Any
    status: str = "RUNNING"
    tries: dict[int, int] = field(default_factory=dict)
    parent: str | None = None
    branches: list[str] = field(default_factory=list)
    error: dict[str, str] | None = None

    @property
    def number(self) -> int:
        """The same for those that go on alike; nobody reads what an ended one carried, but a branch's parent."""
        what: list[Any] = [self.execution_id, self.status, self.given, self.error]
        if self.status == "RUNNING" or self.parent:
            what += [self.state, self.data, self.tries, self.branches]
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
        executions[execution_id] = Execution(execution_id, machine, (), first, given, given)
        return self._advance(executions, execution_id)

    def task(self, execution: Execution) -> tuple[str, Any]:
        """The function that the execution's task invokes, and its payload."""
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
        return self._advance(executions, execution_id)

    def fail(self, executions: dict[str, Execution], execution_id: str, name: str, cause: str) -> list[str]:
        """The task failed; returns the executions that now wait for a function, which may be this one again."""
        execution = executions[execution_id]
        state = self._state(execution)
        if state["Type"] != "Task" and "Retry" in state:
            raise UnsupportedAsl(f"Retry of a {state['Type']} state")
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
                return self._advance(executions, execution_id)
        return self._end(executions, execution, "FAILED", {"Error": name, "Cause": cause})

    def _advance(self, executions: dict[str, Execution], execution_id: str) -> list[str]:  # noqa: C901 - a case a type
        """Goes through the states that invoke nothing."""
        execution = executions[execution_id]
        while True:
            state = self._state(execution)
            match state["Type"]:
                case "Task":
                    return [execution_id]
                case "Choice":
                    self._go(execution, _chosen(state, execution.data), execution.data)
                case "Pass":
                    passed = state.get("Result", execution.data)
                    if "Parameters" in state:
                        passed = _filled(state["Parameters"], execution.data)
                    execution.data = _placed(execution.data, state.get("ResultPath"), passed)
                    if state.get("End"):
                        return self._end(executions, execution, "SUCCEEDED")
                    self._go(execution, state["Next"], execution.data)
                case "Succeed":
                    return self._end(executions, execution, "SUCCEEDED")
                case "Fail":
                    error = {"Error": state.get("Error", ""), "Cause": state.get("Cause", "")}
                    return self._end(executions, execution, "FAILED", error)
                case "Parallel":
                    return self._branch(executions, execution, state)
                case kind:
                    raise UnsupportedAsl(f"state type {kind}")
            if execution.status != "RUNNING":
                return []

    def _branch(
        self, executions: dict[str, Execution], execution: Execution, state: dict[str, Any]
    ) -> list[str]:
        given = _filled(state["Parameters"], execution.data) if "Parameters" in state else execution.data
        waiting: list[str] = []
        for number, branch in enumerate(state["Branches"]):
            branch_id = f"{execution.execution_id}/{number}"
            scope = (*execution.scope, (execution.state, number))
            executions[branch_id] = Execution(
                branch_id,
                execution.machine,
                scope,
                branch["StartAt"],
                given,
                given,
                parent=execution.execution_id,
            )
            execution.branches = [*execution.branches, branch_id]
        for branch_id in list(execution.branches):
            waiting += self._advance(executions, branch_id)
        return waiting

    def _end(
        self,
        executions: dict[str, Execution],
        execution: Execution,
        status: str,
        error: dict[str, str] | None = None,
    ) -> list[str]:
        execution.status, execution.error = status, error
        if execution.parent is None:
            return []
        parent = executions[execution.parent]
        branches = [executions[branch] for branch in parent.branches]
        if status == "FAILED":
            # The other branches are stopped where they stand.
            for branch in branches:
                if branch.status == "RUNNING":
                    branch.status = "ABORTED"
            assert error is not None
            return self._leave(
                executions, parent, lambda: self.fail(executions, parent.execution_id, **_named(error))
            )
        if any(branch.status == "RUNNING" for branch in branches):
            return []

        def finish() -> list[str]:
            self._finish(parent, [branch.data for branch in branches])
            return self._advance(executions, parent.execution_id)

        return self._leave(executions, parent, finish)

    def _leave(self, executions: dict[str, Execution], parent: Execution, onwards: Any) -> list[str]:
        left, parent.branches = parent.branches, []
        waiting: list[str] = onwards()
        for branch in left:
            del executions[branch]
        return waiting

    def _finish(self, execution: Execution, result: Any) -> None:
        """Leaves a task or a parallel state with its result."""
        state = self._state(execution)
        if "ResultSelector" in state:
            result = _filled(state["ResultSelector"], result)
        data = _placed(execution.data, state.get("ResultPath"), result)
        if state.get("End"):
            execution.data = data
            execution.state = _END
            execution.tries = {}
            return
        self._go(execution, state["Next"], data)

    def _go(self, execution: Execution, state: str, data: Any) -> None:
        execution.state, execution.data, execution.tries = state, data, {}

    def _state(self, execution: Execution) -> dict[str, Any]:
        if execution.state == _END:
            return {"Type": "Succeed"}
        states = self._definitions[execution.machine]["States"]
        for name, number in execution.scope:
            states = states[name]["Branches"][number]["States"]
        state: dict[str, Any] = states[execution.state]
        unknown = state.keys() - _KNOWN_FIELDS
        if unknown:
            raise UnsupportedAsl(f"{execution.state}: {', '.join(sorted(unknown))}")
        return state


_END = "(end)"
_KNOWN_FIELDS = {
    *("Type", "Comment", "Next", "End", "Resource", "Parameters", "TimeoutSeconds", "ResultSelector"),
    *("ResultPath", "Retry", "Catch", "Choices", "Default", "Branches", "Result", "Error", "Cause"),
}


def _named(error: dict[str, str]) -> dict[str, str]:
    return {"name": error["Error"], "cause": error["Cause"]}


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
