"""All that there is besides the tables while orders are on their way: what is pending, said, sent and given up."""

from dataclasses import dataclass, field
from typing import Any

from tests.faults.machine import Execution


@dataclass
class Work:
    """Something that is to happen next.

    kind        about
    request     a client's request to an API: {function, method, path, body, headers, name}
    stream      a table's stream has records: {table}
    message     a message in a consumer's queue: {function, message_id, body}
    task        an execution waits for a function: {execution}
    arrival     a request that somebody sent and no longer waits for: {service, operation, arguments}
    """

    kind: str
    about: dict[str, Any]
    receives: int = 0
    # A delivery beside the first; it is not multiplied again.
    again: bool = False

    def __str__(self) -> str:
        match self.kind:
            case "request":
                return f"request {self.about['name']}"
            case "stream":
                return f"stream {self.about['table']}"
            case "message":
                return f"message {self.about['message_id']} to {self.about['function']}"
            case "task":
                return f"task of {self.about['execution']}"
        return f"arrival {self.about['service']}:{self.about['operation']}"


@dataclass
class World:
    """The state beside the tables. Everything in it is data, so it can be kept, compared and gone back to."""

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
    # What clients were told: the request's name, the status and the order's id.
    told: list[tuple[str, int, str]] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    ever_broken: list[str] = field(default_factory=list)
    # Seconds since the beginning; only a redelivery takes time that a rule depends on.
    clock: int = 0
    # What the customer may still do, by name of the action.
    actions: dict[str, Work] = field(default_factory=dict)
    # How many times yet a pending task may run between two calls of another.
    races: int = 0
    redrives: int = 0
