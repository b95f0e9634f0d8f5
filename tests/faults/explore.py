"""Every schedule of up to so many faults, or a sample of them; and one schedule again, from how it is written down.

A schedule is a scenario and the events in its steps: `cancel 4:3:lost 4:5:cancel 9:-:dup` is the scenario `cancel`,
the answer of call 3 of step 4 lost, the cancellation before call 5 of the same step, and step 9's message delivered
twice. A step or call that only a fault brings about is counted in the run with that fault, so every second event is
reached.

Schedules that reach the same moment (tables, messages, executions, mails, time) with the same number of events left
have the same futures: no function remembers anything beyond its invocation. Those futures are gone through once, and
counted for each schedule that reaches them.
"""

import random
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.cloud import Cloud, Moment
from tests.faults.faults import ACTIONS, DELIVERY
from tests.faults.functions import Event, Step
from tests.faults.invariants import RULES, always, settled
from tests.faults.scenarios import SCENARIOS, Scenario, begin

# Far more steps than any schedule of a few faults takes; a run that goes on is one that never ends.
_LONGEST = 400


@dataclass(frozen=True)
class Schedule:
    """A scenario and its events: step, call (or the delivery), what happens."""

    scenario: str
    events: tuple[tuple[int, int, str], ...] = ()

    def __str__(self) -> str:
        places = (f"{step}:{'-' if call == DELIVERY else call}:{what}" for step, call, what in self.events)
        return " ".join([self.scenario, *places])

    @classmethod
    def read(cls, text: str) -> "Schedule":
        """The schedule that `text` writes down."""
        scenario, *places = text.split()
        events = []
        for place in places:
            step, call, what = place.split(":")
            events.append((int(step), DELIVERY if call == "-" else int(call), what))
        return cls(scenario, tuple(events))


@dataclass(frozen=True)
class Violation:
    """A schedule after which something does not hold, and what."""

    schedule: Schedule
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"schedule '{self.schedule}'", *(f"    {problem}" for problem in self.problems)])


@dataclass
class Report:
    """What an exploration came to. `schedules` are all that it covers; `moments` the different ones it went through."""

    schedules: int = 0
    moments: int = 0
    steps: int = 0
    ends: int = 0
    outcomes: set[tuple[str, ...]] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)

    @property
    def checked(self) -> int:
        """How many times a rule was checked on an end that differs from all others."""
        return self.ends * len(RULES)

    def add(self, other: "Report") -> None:
        """Counts `other` in."""
        self.schedules += other.schedules
        self.moments += other.moments
        self.steps += other.steps
        self.ends += other.ends
        self.outcomes |= other.outcomes
        self.violations += other.violations


class Enough(Exception):
    """As many violations are found as were asked for."""


class Explorer:
    """Goes through the schedules of a scenario on `cloud`."""

    def __init__(
        self,
        cloud: Cloud,
        scenario: Scenario,
        *,
        most_violations: int = 10,
        progress: Callable[[Report, int, int], None] | None = None,
    ) -> None:
        """`progress` gets now and then the report so far, and the number of first events that are done, of how many."""
        self._cloud = cloud
        self._scenario = scenario
        self._most = most_violations
        self._progress = progress
        self._known: dict[tuple[Hashable, int], int] = {}
        self._firsts = self._first = 0
        self.report = Report()
        # The moments at which everything has come to an end.
        self.ended: set[Hashable] = set()

    def explore(self, most: int) -> Report:
        """All schedules of up to `most` events."""
        begin(self._cloud, self._scenario)
        with suppress(Enough):
            self.report.schedules = self._futures(most, ())
        return self.report

    def _futures(self, left: int, events: tuple[tuple[int, int, str], ...], at: int = 0) -> int:
        """Goes through all futures of the present moment; returns how many schedules they are."""
        # A path without faults is long, and everything that branches off it is gone through on the way back.
        path: list[tuple[tuple[Hashable, int], Moment, Step]] = []
        count = 0
        while True:
            moment_is = self._cloud.fingerprint()
            key = (moment_is, left)
            if key in self._known:
                count = self._known[key]
                break
            self.report.moments += 1
            if self._cloud.idle:
                self.ended.add(moment_is)
                self._end(events)
                self._known[key] = count = 1
                break
            if at + len(path) > _LONGEST:
                self._violated(events, ("it never ends",))
                count = 1
                break
            moment = self._cloud.keep()
            step = self._take([], events, more=left > 0)
            path.append((key, moment, step))
        if not events:
            self._firsts = sum(
                len(point.actions) + len(point.faults) for _, _, step in path for point in step.points
            )
        for position in range(len(path) - 1, -1, -1):
            key, moment, step = path[position]
            count += self._branches(moment, step, [], left, events, at + position)
            self._known[key] = count
        return count

    def _branches(
        self,
        moment: Moment,
        step: Step,
        taken: list[Event],
        left: int,
        events: tuple[tuple[int, int, str], ...],
        at: int,
    ) -> int:
        """The schedules in which, after what was `taken` in this step, something more happens in it."""
        count = 0
        if not left:
            return count
        last = taken[-1] if taken else (DELIVERY - 1, "")
        for point in step.points:
            for what in (*point.actions, *point.faults):
                action = what in ACTIONS
                after = point.index > last[0] or (
                    point.index == last[0] and last[1] in ACTIONS and not action
                )
                if not after:
                    continue
                if not events:
                    self._first += 1
                    if self._progress:
                        self._progress(self.report, self._first, self._firsts)
                chosen = [*taken, (point.index, what)]
                history = (*events, (at, point.index, what))
                self._cloud.restore(moment)
                remaining = left - 1
                branch = self._take(chosen, history, more=remaining > 0)
                count += self._futures(remaining, history, at + 1)
                count += self._branches(moment, branch, chosen, remaining, history, at)
        return count

    def _take(self, chosen: list[Event], events: tuple[tuple[int, int, str], ...], *, more: bool) -> Step:
        self.report.steps += 1
        step = self._cloud.step(chosen, more=more)
        problems = always(self._cloud)
        if problems:
            self._violated(events, tuple(problems))
        return step

    def _end(self, events: tuple[tuple[int, int, str], ...]) -> None:
        self.report.ends += 1
        self.report.outcomes.add(outcome(self._cloud))
        problems = settled(self._cloud)
        if problems:
            self._violated(events, tuple(problems))

    def _violated(self, events: tuple[tuple[int, int, str], ...], problems: tuple[str, ...]) -> None:
        self.report.violations.append(Violation(Schedule(self._scenario.name, events), problems))
        if len(self.report.violations) >= self._most:
            raise Enough


def outcome(cloud: Cloud) -> tuple[str, ...]:
    """What became of the orders."""
    return tuple(sorted(item["status"] for item in cloud.items("OrdersTable") if "order_id" in item))


def replay(cloud: Cloud, schedule: Schedule, *, more: bool = True) -> tuple[list[str], list[Step]]:
    """Runs one schedule; returns what does not hold at its end or on the way, and its steps (see `Cloud.step`)."""
    begin(cloud, SCENARIOS[schedule.scenario])
    steps: list[Step] = []
    problems: list[str] = []
    while not cloud.idle and len(steps) <= _LONGEST:
        here = [(call, what) for step, call, what in schedule.events if step == len(steps)]
        steps.append(cloud.step(here, more=more))
        problems += [problem for problem in always(cloud) if problem not in problems]
    return problems + (settled(cloud) if cloud.idle else ["it never ends"]), steps


def sample(cloud: Cloud, scenario: Scenario, number: int, seed: int) -> Iterator[tuple[Schedule, list[str]]]:
    """`number` schedules of two events each, drawn by `seed`, and what does not hold after them."""
    chance = random.Random(f"{seed} {scenario.name}")  # noqa: S311 - a sample, no secret
    plain = replay(cloud, Schedule(scenario.name))[1]
    for _ in range(number):
        schedule, steps = Schedule(scenario.name), plain
        problems: list[str] = []
        for more in (True, False):
            last = schedule.events[-1][:2] if schedule.events else (-1, DELIVERY)
            places = [
                (position, point.index, what)
                for position, step in enumerate(steps)
                for point in step.points
                if (position, point.index) > last
                for what in (*point.actions, *point.faults)
            ]
            if places:
                schedule = Schedule(scenario.name, (*schedule.events, chance.choice(places)))
                problems, steps = replay(cloud, schedule, more=more)
        yield schedule, problems
