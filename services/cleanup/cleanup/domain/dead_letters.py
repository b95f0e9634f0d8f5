"""Dead letters as an operator judges them: in groups of one type and one reason.

A message may hold personal data. So nothing of it leaves this service but its type, the id of the thing that it is
about, its reason and its times.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import Conflict, NotFound

_SHOWN_IDS = 5

# Messages that failed alike have reasons that differ in ids alone.
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]+_[0-9a-f]{32})\b")


class UnknownQueue(NotFound):
    """No consumer of this name has dead letters."""

    def __init__(self) -> None:
        super().__init__("There is no such dead-letter queue.")


class NotRedrivable(Conflict):
    """The messages of this queue came from a stream, so no queue takes them back."""

    code = "not-redrivable"

    def __init__(self) -> None:
        super().__init__(
            "These messages came from tables' streams. An operator sends them again with `make redrive`."
        )


@dataclass(frozen=True)
class DeadLetterQueue:
    """A dead-letter queue, by its owner: the consumer whose messages it has, or `Relay`."""

    owner: str
    url: str
    source: str | None
    """The URL of the consumer's own queue; the relays have none, since they read tables' streams."""


@dataclass(frozen=True)
class DeadLetter:
    """A message in a dead-letter queue, with its attributes as texts."""

    receipt: str
    body: str
    attributes: dict[str, str]
    since: datetime
    """When it was sent to the queue in which SQS first had it."""

    def value(self, name: str) -> str | None:
        """The value of `name` in its attributes, or else in the event that is its body."""
        return self.attributes.get(name) or str(self._event.get(name) or "") or None

    @property
    def _event(self) -> dict[str, Any]:
        try:
            body = json.loads(self.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}


@dataclass(frozen=True)
class Group:
    """Messages of one type that wait for the same reason."""

    event_type: str | None
    reason: str | None
    count: int
    oldest: datetime
    aggregate_ids: list[str]
    """What some of them are about, the oldest first."""


def groups_of(letters: Iterable[DeadLetter]) -> list[Group]:
    """The messages by type and reason, the largest group first. Reasons are alike if only ids in them differ."""
    alike: dict[tuple[str | None, str | None], list[DeadLetter]] = {}
    for letter in letters:
        reason = letter.value("reason")
        key = letter.value("event_type"), _ID.sub("…", reason) if reason else None
        alike.setdefault(key, []).append(letter)
    groups = [_group(*key, members) for key, members in alike.items()]
    return sorted(groups, key=lambda group: (-group.count, group.oldest))


def _group(event_type: str | None, reason: str | None, members: list[DeadLetter]) -> Group:
    members = sorted(members, key=lambda letter: letter.since)
    about = dict.fromkeys(filter(None, (letter.value("aggregate_id") for letter in members)))
    return Group(event_type, reason, len(members), members[0].since, list(about)[:_SHOWN_IDS])
