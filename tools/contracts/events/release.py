"""The contracts of the last release, which later code may not break.

Events wait in queues and dead letters during a deployment, and not every consumer is deployed together with them. So a
released version of an event never changes in a way that breaks a consumer. Such a change becomes the next version of
the event, beside the old one. Only a release whose own version announces a break may drop an old one.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.contracts.containment import Break, Containment
from tools.contracts.events.contracts import schemas, written
from tools.contracts.openapi.document import version
from tools.contracts.openapi.release import may_break
from tools.settings import REPOSITORY

RELEASED = REPOSITORY / "tests" / "contracts" / "events.released.json"

Schemas = Mapping[str, Mapping[str, Any]]


class BreakingContract(Exception):
    """A released event no longer keeps its contract with its consumers."""

    def __init__(self, breaks: list[Break]) -> None:
        listed = "\n".join(f"  {one}" for one in breaks)
        super().__init__(
            f"Consumers of released events break:\n{listed}\nPublish a new version of the event instead."
        )
        self.breaks = breaks


def released() -> dict[str, Any]:
    """The last release: its `version`, and the schemas of its `events` by name."""
    document: dict[str, Any] = json.loads(RELEASED.read_text(encoding="utf-8"))
    return document


def require_compatible(last: Mapping[str, Any], current: Schemas, current_version: str) -> None:
    """Raises BreakingContract if `current` breaks consumers of the events of `last`."""
    breaks = list(dict.fromkeys(_breaks(last["events"], current)))
    if may_break(last["version"], current_version):
        breaks = [one for one in breaks if one.what != _GONE]
    if breaks:
        raise BreakingContract(breaks)


def release() -> None:
    """Makes the present contracts the released ones; raises BreakingContract."""
    current = schemas()
    if RELEASED.exists():
        require_compatible(released(), current, version())
    RELEASED.write_text(written({"version": version(), "events": current}), encoding="utf-8")


_GONE = "is no longer published"


def _breaks(before: Schemas, now: Schemas) -> Iterator[Break]:
    for name, was in before.items():
        if name in now:
            yield from Containment(now[name], was, is_output=True).breaks(name, inner=now[name], outer=was)
        else:
            yield Break(name, _GONE)
