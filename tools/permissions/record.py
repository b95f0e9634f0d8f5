"""The permissions after the last run of all the system's tests."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from tools.permissions.table import Row
from tools.settings import LOCAL

_RECORD = LOCAL / "permissions.json"


def save(rows: Iterable[Row]) -> None:
    """Replaces the record."""
    LOCAL.mkdir(exist_ok=True)
    _RECORD.write_text(json.dumps([asdict(row) for row in rows]))


def load() -> list[Row] | None:
    """The record, or None if there is none."""
    if not _RECORD.exists():
        return None
    rows = json.loads(_RECORD.read_text())
    return [Row(**{**row, "tests": tuple(row["tests"])}) for row in rows]
