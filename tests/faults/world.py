"""All that there is besides the tables while orders are on their way: what is pending, said, sent and given up."""

import copy
import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.faults.machine import Execution
from tests.faults.numbered import number_of


@dataclass(frozen=True, eq=False)
class Work:
    """Something that is to happen next; it never changes.

    kind        about
    request     a client's request to an API: {function, method, path, body, headers, name}
    stream      a table's stream has records: {table}
    message     a message in a consumer's queue: {function, message_id, body}
    task        an execution waits for a function: {execution}
    schedule    a function's hour has come: {function}
    bounce      the provider reports on a refund that failed: {}
    arrival     a request that somebody sent and no longer waits for: {service, operation, arguments}
    """

    kind: str
    about: dict[str, Any]
    receives: int = 0
    # A delivery beside the first; it is not multiplied again.
    again: bool = False

    @cached_property
    def number(self) -> int:
        """The same for the same work."""
        return number_of(json.dumps([self.kind, self.about, self.receives, self.again], sort_keys=True))

    def __str__(self) -> str:
        return f"{self.kind} {self._subject}".rstrip()

    @property
    def _subject(self) -> str:
        about = self.about
        subjects: dict[str, Callable[[], str]] = {
            "request": lambda: about["name"],
            "stream": lambda: about["table"],
            "message": lambda: f"{about['message_id']} to {about['function']}",
            "task": lambda: f"of {about['execution']}",
            "schedule": lambda: f"of {about['function']}",
            "arrival": lambda: f"{about['service']}:{about['operation']}",
        }
        return subjects[self.kind]() if self.kind in subjects else ""


@dataclass
class World:
    """The state beside the tables. Everything in it is data, so it can be kept, compared and gone back to.

    What its lists and dicts hold is never changed in its place, but for the executions themselves.
    """

    pending: list[Work] = field(default_factory=list)
    # What happens after so many tasks have ended.
    soon: list[tuple[int, Work]] = field(default_factory=list)
    # What happens once nothing is pending.
    latest: list[Work] = field(default_factory=list)
    streams: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    mails: list[dict[str, Any]] = field(default_factory=list)
    # Mails that a lost answer may have doubled: SES knows no idempotency.
    doubtful_mails: int = 0
    dead_letters: list[Work] = field(default_factory=list)
    # The answers that clients got: the request's name, the status and the order's id.
    answered: list[tuple[str, int, str]] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    ever_broken: frozenset[str] = frozenset()
    # Seconds since the beginning; only a redelivery and a schedule take time that a rule depends on.
    clock: int = 0
    # What the customer and others may still do, by name of the action.
    actions: dict[str, Work] = field(default_factory=dict)
    # How many executions of an EXPRESS state machine each start makes: it promises one at least.
    starts: int = 1
    # How many times yet a pending task may run between two calls of another.
    races: int = 0
    # The same for a request or a message, between two calls of another of the same service.
    crossings: int = 0
    redrives: int = 0
    # How many times the schedules have come.
    rounds: int = 0
    # The scheduled functions that found something to do.
    helped: frozenset[str] = frozenset()
    resumptions: int = 0
    # Whether a message waits as long as its queue's delay says, which is longer than anything else takes.
    packs: bool = True

    def copied(self) -> "World":
        """The same again, which goes its own ways."""
        copied = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict):
                setattr(copied, name, value.copy())
        copied.streams = {table: list(records) for table, records in self.streams.items()}
        copied.executions = {name: copy.copy(execution) for name, execution in self.executions.items()}
        return copied

    @property
    def fingerprint(self) -> Hashable:
        """The same for worlds whose futures are the same, whatever was in which order that has none."""
        return (
            _numbers_of(self.pending),
            tuple([(tasks, work.number) for tasks, work in self.soon]),
            _numbers_of(self.latest),
            _numbers_of(self.dead_letters),
            tuple(
                sorted(
                    (table, *[record["eventID"] for record in records])
                    for table, records in self.streams.items()
                    if records
                )
            ),
            tuple(sorted([execution.number for execution in self.executions.values()])),
            tuple(sorted([number_of(f"{mail['To']} {mail['BodyText']}") for mail in self.mails])),
            tuple(sorted(set(self.answered))),
            tuple(sorted(self.broken.items())),
            tuple(sorted(self.ever_broken)),
            tuple(sorted(self.helped)),
            tuple(sorted([(name, work.number) for name, work in self.actions.items()])),
            (
                self.doubtful_mails,
                self.clock,
                self.starts,
                self.races,
                self.crossings,
                self.redrives,
                self.rounds,
                self.resumptions,
            ),
        )


def _numbers_of(works: list[Work]) -> tuple[int, ...]:
    return tuple([work.number for work in works])
