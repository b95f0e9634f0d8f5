"""The canaries of the last run of the system's tests in each embedded cloud, each with the test that made it."""

import json
from collections.abc import Mapping

from tools.settings import STATE

_RECORD = STATE / "canaries.json"


def save(canaries: Mapping[str, str]) -> None:
    """Replaces the record."""
    STATE.mkdir(parents=True, exist_ok=True)
    _RECORD.write_text(json.dumps(canaries))


def load() -> dict[str, str]:
    """The record; empty if there is none."""
    return json.loads(_RECORD.read_text()) if _RECORD.exists() else {}
