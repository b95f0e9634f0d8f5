"""How long each test and each stage of the last run took. The run writes it; `python -m tools slowest` shows it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.settings import LOCAL

_RECORDS = LOCAL / "times"


@dataclass(frozen=True)
class Timed:
    """A test or a stage: its seconds, and the seconds of a core that its process and child processes used."""

    name: str
    seconds: float
    cpu_seconds: float

    def __add__(self, other: "Timed") -> "Timed":
        return Timed(self.name, self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)


def save(run: str, timed: Iterable[Timed]) -> None:
    """Replaces the record of a run, for example of the unit tests."""
    _RECORDS.mkdir(parents=True, exist_ok=True)
    (_RECORDS / f"{run}.json").write_text(json.dumps([asdict(one) for one in timed]))


def load() -> Mapping[str, list[Timed]]:
    """The last record of each run."""
    return {file.stem: _read(file) for file in sorted(_RECORDS.glob("*.json"))}


def _read(file: Path) -> list[Timed]:
    return [Timed(**one) for one in json.loads(file.read_text())]
