"""One order's path as a tree of causes, from the log lines of the functions, its history and its executions.

Pure: everything comes in as arguments. A request is a root. Below it are its changes and the events that it published.
Below an event are its consumers, below a consumer the execution that it started, and below that the steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tools.log_search import LogLine

# The lines that end a piece of work. The platform's lines and a function's lines in between are not drawn.
_ENDS = {
    "request answered": "",
    "event consumed": "",
    "step done": "",
    "step failed": "failed",
    "message failed; the queue delivers it again": "failed",
    "message can never succeed; moved to the dead letters": "dead letter",
}
_PUBLISHED = "event published"
STARTED = "execution started"
"""The line of a function that started an execution."""
_MAIL_SENT = "mail sent"
# Clocks of different machines differ: a change may lie this far outside the work that made it.
_SLACK = timedelta(milliseconds=50)


@dataclass(frozen=True)
class Execution:
    """An execution of a state machine, as Step Functions describes it, or as the functions' log lines show it."""

    machine: str
    name: str
    status: str
    """Empty if nobody knows it."""
    started: datetime
    stopped: datetime | None
    failures: list[tuple[datetime, str]] = field(default_factory=list)
    """Tasks that failed or timed out: the time and a description of each."""


@dataclass
class Node:
    """One thing that happened, with its effects as children."""

    at: datetime
    what: str
    kind: str
    milliseconds: int | None = None
    children: list["Node"] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "at": self.at.isoformat(),
            "kind": self.kind,
            "what": self.what,
            "milliseconds": self.milliseconds,
            "children": [child.as_dict() for child in self.children],
        }


@dataclass
class _Work:
    """An invocation's work on one thing: a request, a message, a step."""

    node: Node
    service: str
    cause: str
    execution: str

    def misses(self, moment: datetime) -> timedelta:
        """How far outside of it `moment` lies; nothing if it lies within."""
        end = self.node.at + timedelta(milliseconds=self.node.milliseconds or 0)
        return max(self.node.at - moment, moment - end, timedelta())


def tree_of(
    lines: Iterable[LogLine],
    names: dict[str, str],
    history: Iterable[tuple[datetime, str]],
    executions: Iterable[Execution],
) -> list[Node]:
    """The roots of the tree, oldest first. `names` has the short names of functions by their physical names.
    `history` has the order's statuses, each with its time."""
    every = list(lines)
    works = [work for line in every if (work := _work(line, names))]
    events = _events(every)
    runs = [(run, _run_node(run)) for run in executions]
    nodes = [(work.node, _cause_of(work, events, runs)) for work in works]
    nodes += [(node, _writer(line, works)) for line, node in events.values()]
    nodes += [(node, _starter(run, every, works)) for run, node in runs]
    for at, status in history:
        change = Node(at, f"the order is {status}", "change")
        nodes.append((change, _holder(at, [work for work in works if work.service == "orders"])))
    for line in every:
        if line.fields["message"] == _MAIL_SENT:
            mail = Node(line.at, "mail sent", "mail")
            nodes.append(
                (mail, _holder(line.at, [w for w in works if w.service == line.fields.get("service")]))
            )
    roots: list[Node] = []
    for node, parent in nodes:
        (parent.children if parent else roots).append(node)
    for node, _ in nodes:
        # A change and its event are one write with one time: the change stands first.
        node.children.sort(key=lambda child: (child.at, child.kind != "change"))
    return sorted(roots, key=lambda root: root.at)


def _work(line: LogLine, names: dict[str, str]) -> _Work | None:
    fields = line.fields
    if fields["message"] not in _ENDS:
        return None
    name = names.get(line.function, line.function)
    milliseconds = fields.get("duration_ms")
    if fields["message"] == "request answered":
        what, kind = f"{fields['method']} {fields['resource']} {fields['status']}  ({name})", "request"
    elif "step" in fields:
        # The name of a function of several steps needs the step.
        what, kind = f"{name} {fields['step']}" if name.endswith("Steps") else name, "step"
    else:
        what, kind = name, "consumer"
    why = str(fields.get("error") or fields.get("exception_name") or fields.get("reason") or "")
    if ending := _ENDS[fields["message"]]:
        what = f"{what}  {ending}: {why}"
    at = line.at - timedelta(milliseconds=milliseconds or 0)
    return _Work(
        Node(at, what, kind, milliseconds),
        str(fields.get("service", "")),
        str(fields.get("causation_id", "")),
        str(fields.get("execution", "")) if "step" in fields else "",
    )


def _events(lines: list[LogLine]) -> dict[str, tuple[LogLine, Node]]:
    """A node for each published event, with its first log line."""
    events: dict[str, tuple[LogLine, Node]] = {}
    for line in lines:
        if line.fields["message"] != _PUBLISHED:
            continue
        name = str(line.fields["event_id"])
        if name in events:
            node = events[name][1]
            node.what = f"{node.what.removesuffix(', and again')}, and again"
            continue
        written = datetime.fromisoformat(str(line.fields["occurred_at"]).replace("Z", "+00:00"))
        late = max(0, round((line.at - written) / timedelta(milliseconds=1)))
        events[name] = (line, Node(written, f"{name.rpartition(':')[2]}  published", "event", late))
    return events


def _run_node(run: Execution) -> Node:
    took = round((run.stopped - run.started) / timedelta(milliseconds=1)) if run.stopped else None
    node = Node(run.started, f"{run.machine}  {run.status.lower()}".rstrip(), "execution", took)
    node.children = [Node(at, what, "failure") for at, what in run.failures]
    return node


def _cause_of(
    work: _Work, events: dict[str, tuple[LogLine, Node]], runs: list[tuple[Execution, Node]]
) -> Node | None:
    """The parent of a piece of work: the event that it consumed, the execution that it is a step of, or None."""
    if work.execution:
        begun = [
            (run, node)
            for run, node in runs
            if run.name == work.execution and run.started <= work.node.at + _SLACK
        ]
        return max(begun, key=lambda entry: entry[0].started)[1] if begun else None
    return events[work.cause][1] if work.cause in events else None


def _writer(line: LogLine, works: list[_Work]) -> Node | None:
    """The work that wrote the event of `line`: of that cause, in the service whose relay published it."""
    cause, service = str(line.fields.get("causation_id", "")), line.fields.get("service")
    written = datetime.fromisoformat(str(line.fields["occurred_at"]).replace("Z", "+00:00"))
    possible = [
        work
        for work in works
        if service == work.service and cause == work.cause and work.node.at <= written + _SLACK
    ]
    return max(possible, key=lambda work: work.node.at).node if possible else None


def _starter(run: Execution, lines: list[LogLine], works: list[_Work]) -> Node | None:
    """The work that started an execution: the last one that logged it before the execution began."""
    causes = [
        str(line.fields.get("causation_id", ""))
        for line in lines
        if line.fields["message"] == STARTED
        and line.fields.get("execution") == run.name
        and abs(line.at - run.started) < timedelta(seconds=5)
    ]
    possible = [
        work
        for work in works
        if work.cause in causes and work.service == "orders" and work.node.at <= run.started + _SLACK
    ]
    return max(possible, key=lambda work: work.node.at).node if possible else None


def _holder(moment: datetime, works: list[_Work]) -> Node | None:
    """The work that was in progress at `moment`, or nearly so; the shortest, if there were several."""
    near = [work for work in works if work.misses(moment) <= _SLACK]
    nearest = min(near, key=lambda work: (work.misses(moment), work.node.milliseconds or 0), default=None)
    return nearest.node if nearest else None


def drawn(roots: list[Node]) -> list[str]:
    """The tree in lines of text, with the seconds since its start and the duration of each node."""
    if not roots:
        return []
    start = roots[0].at
    lines: list[str] = []

    def draw(node: Node, before: str, mark: str, below: str) -> None:
        seconds = (node.at - start) / timedelta(seconds=1)
        took = (
            ""
            if node.milliseconds is None
            else f"  {'after ' if node.kind == 'event' else ''}{node.milliseconds} ms"
        )
        lines.append(f"{seconds:9.3f} s  {before}{mark}{node.what}{took}")
        for child in node.children:
            last = child is node.children[-1]
            draw(child, before + below, "└─ " if last else "├─ ", "   " if last else "│  ")

    for root in roots:
        draw(root, "", "", "")
    return lines
