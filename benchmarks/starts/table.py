"""The figures as tables for the screen and docs/performance.md, and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

_BEFORE = Path(__file__).with_name("before.json")


@dataclass(frozen=True)
class Start:
    """How a function starts: milliseconds of processor time and on the clock, megabytes, and the ratio to stock."""

    name: str
    init: float
    wall: float
    peak: float
    ratio: float


@dataclass(frozen=True)
class Requests:
    """Milliseconds of processor time of ours, and of bare boto3 for the same calls."""

    name: str
    own: float
    bare: float
    ratio: float


@dataclass(frozen=True)
class Report:
    """The figures of one run."""

    rounds: int
    stock: Start
    starts: list[Start]
    requests: list[Requests]

    def tables(self) -> tuple[list[list[str]], list[list[str]]]:
        """The starts, and the requests; each with its head."""
        starts = [
            [
                start.name,
                *_numbers(before(start.name), start.ratio),
                *_whole(start.init, start.wall, start.peak),
            ]
            for start in (self.stock, *self.starts)
        ]
        requests = [
            [part.name, *_numbers(before(part.name), part.ratio, part.own, part.bare)]
            for part in self.requests
        ]
        return (
            [
                [
                    "function, as a multiple of stock",
                    "before",
                    "now",
                    "processor, ms",
                    "clock, ms",
                    "peak, MB",
                ],
                *starts,
            ],
            [
                [
                    "orders API, as a multiple of bare boto3",
                    "before",
                    "now",
                    "processor, ms",
                    "bare boto3, ms",
                ],
                *requests,
            ],
        )

    def markdown(self) -> str:
        """The tables, ready to be pasted."""
        return "\n\n".join(_markdown(table) for table in self.tables())

    def keep_as_before(self) -> None:
        """Makes its ratios those of later reports' column "before"."""
        ratios = {start.name: round(start.ratio, 2) for start in self.starts}
        ratios |= {part.name: round(part.ratio, 2) for part in self.requests}
        _BEFORE.write_text(f"{json.dumps(ratios, indent=1)}\n", encoding="utf-8")

    def json(self) -> str:
        """The same for programs."""
        return json.dumps(asdict(self), indent=1)


def before(name: str) -> float:
    """The ratio of a function or a part before the work on speed; 0 if there was none."""
    return _before().get(name, 0)


@cache
def _before() -> dict[str, float]:
    found: dict[str, float] = json.loads(_BEFORE.read_text(encoding="utf-8"))
    return found


def _numbers(*figures: float) -> list[str]:
    return [f"{figure:.2f}" if figure else "" for figure in figures]


def _whole(*figures: float) -> list[str]:
    return [f"{figure:.0f}" for figure in figures]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *others = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *others))
