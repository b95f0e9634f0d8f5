"""The permissions after the last run of all the system's tests, and which of them were shown to be needed since."""

import fcntl
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from tools.permissions.table import Row
from tools.settings import LOCAL

_RECORD, _SHOWN, _LOCK = (
    LOCAL / name for name in ("permissions.json", "permissions-needed.json", "permissions-needed.lock")
)


@dataclass
class Shown:
    """What is known about permissions, by their names: the searches of `make permissions-needed` share it."""

    test: dict[str, str] = field(default_factory=dict)
    """The test that failed without the permission."""
    in_vain: dict[str, list[str]] = field(default_factory=dict)
    """The tests that did not need the permission after all."""
    taken_until: dict[str, float] = field(default_factory=dict)
    """Until when (Unix time) a search tries the permission."""


def save(rows: Iterable[Row]) -> None:
    """Replaces the record, and drops what is known about the earlier one."""
    LOCAL.mkdir(exist_ok=True)
    _SHOWN.unlink(missing_ok=True)
    _RECORD.write_text(json.dumps([asdict(row) for row in rows]))


def load() -> list[Row] | None:
    """The record, or None if there is none."""
    if not _RECORD.exists():
        return None
    rows = json.loads(_RECORD.read_text())
    return [Row(**{**row, "tests": tuple(row["tests"])}) for row in rows]


@contextmanager
def shown() -> Iterator[Shown]:
    """What is known so far, to be changed until the end of the block; other processes wait meanwhile."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = Shown(**json.loads(_SHOWN.read_text())) if _SHOWN.exists() else Shown()
        yield known
        _SHOWN.write_text(json.dumps(asdict(known)))
