"""The permissions after the last run of all the system's tests, and which of them were shown to be needed since."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from tools.permissions.table import Row
from tools.settings import LOCAL

_RECORD = LOCAL / "permissions.json"
_SHOWN, _TRIED = LOCAL / "permissions-needed.json", LOCAL / "permissions-tried.json"


def save(rows: Iterable[Row]) -> None:
    """Replaces the record, and drops what is known about the earlier one."""
    LOCAL.mkdir(exist_ok=True)
    _SHOWN.unlink(missing_ok=True)
    _TRIED.unlink(missing_ok=True)
    _RECORD.write_text(json.dumps([asdict(row) for row in rows]))


def load() -> list[Row] | None:
    """The record, or None if there is none."""
    if not _RECORD.exists():
        return None
    rows = json.loads(_RECORD.read_text())
    return [Row(**{**row, "tests": tuple(row["tests"])}) for row in rows]


def save_shown(tests: Mapping[str, str]) -> None:
    """Replaces what is known about the record: by permission, the test that failed without it."""
    _SHOWN.write_text(json.dumps(dict(tests)))


def load_shown() -> dict[str, str]:
    """What earlier runs of `make permissions-needed` have shown about the record."""
    shown: dict[str, str] = json.loads(_SHOWN.read_text()) if _SHOWN.exists() else {}
    return shown


def save_tried(tests: Mapping[str, list[str]]) -> None:
    """Replaces what was tried in vain: by permission, the tests that did not need it."""
    _TRIED.write_text(json.dumps(dict(tests)))


def load_tried() -> dict[str, list[str]]:
    """The tests that earlier runs of `make permissions-needed` have tried in vain."""
    tried: dict[str, list[str]] = json.loads(_TRIED.read_text()) if _TRIED.exists() else {}
    return tried
