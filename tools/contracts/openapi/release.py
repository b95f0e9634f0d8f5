"""The document of the last release. A new document may break it only if its version announces that.

A release is a version in pyproject.toml whose document was stored here. By https://semver.org, a breaking change needs
a new major version; before 1.0.0, a new minor version.
"""

import json
from collections.abc import Mapping
from typing import Any

from tools.contracts.containment import Break
from tools.contracts.openapi.changes import breaking_changes
from tools.contracts.openapi.document import written
from tools.settings import REPOSITORY

RELEASED = REPOSITORY / "tests" / "contracts" / "openapi.released.json"


class ReleasedAlready(Exception):
    """The version was released with another document; a new document needs a new version."""


class BreakingRelease(Exception):
    """The document breaks clients of the released one, and its version does not announce that."""

    def __init__(self, breaks: list[Break], released: str, version: str) -> None:
        listed = "\n".join(f"  {one}" for one in breaks)
        super().__init__(
            f"{version} breaks clients of {released}:\n{listed}\n"
            f"Undo that, or release it as {_next_breaking(released)}."
        )
        self.breaks = breaks


def released() -> dict[str, Any] | None:
    """The document of the last release, or None before the first."""
    if not RELEASED.exists():
        return None
    document: dict[str, Any] = json.loads(RELEASED.read_text(encoding="utf-8"))
    return document


def require_compatible(last: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raises BreakingRelease if `current` breaks clients of `last` and its version does not allow that."""
    before, now = last["info"]["version"], current["info"]["version"]
    breaks = breaking_changes(last, current)
    if breaks and not may_break(before, now):
        raise BreakingRelease(breaks, before, now)


def release(current: Mapping[str, Any]) -> None:
    """Makes `current` the released document; raises BreakingRelease or ReleasedAlready."""
    last = released()
    if last is not None:
        require_compatible(last, current)
        if last["info"]["version"] == current["info"]["version"] and last != current:
            raise ReleasedAlready(
                f"{current['info']['version']} is released already; raise the version in pyproject.toml."
            )
    RELEASED.parent.mkdir(exist_ok=True)
    RELEASED.write_text(written(current), encoding="utf-8")


def may_break(before: str, now: str) -> bool:
    """Whether version `now` may break clients of version `before`."""
    return _numbers(now) >= _numbers(_next_breaking(before))


def _next_breaking(version: str) -> str:
    major, minor, _ = _numbers(version)
    return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = version.split(".")
    return int(major), int(minor), int(patch)
