"""The contracts of the last release, which a later state of the code may not break.

Events lie in queues and dead letters while a new version is deployed, and not every reader is deployed with it. So what
is told in a released version of an event changes for no reason: what would break a reader becomes the next version of
the event, beside the old one. Only a release whose own version says that it breaks something may drop an old one.
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
    """A released event no longer tells what its readers rely on."""

    def __init__(self, breaks: list[Break]) -> None:
        listed = "\n".join(f"  {one}" for one in breaks)
        super().__init__(
            f"readers of released events break:\n{listed}\nTell it in a new version of the event instead."
        )
        self.breaks = breaks


def released() -> dict[str, Any]:
    """The last release: its `version`, and the schemas of its `events` by name."""
    document: dict[str, Any] = json.loads(RELEASED.read_text(encoding="utf-8"))
    return document


def require_compatible(last: Mapping[str, Any], current: Schemas, current_version: str) -> None:
    """Raises BreakingContract when `current` breaks readers of the events of `last`."""
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


_GONE = "is told no more"


def _breaks(before: Schemas, now: Schemas) -> Iterator[Break]:
    for name, was in before.items():
        if name in now:
            yield from Containment(now[name], was, told=True).breaks(name, inner=now[name], outer=was)
        else:
            yield Break(name, _GONE)
