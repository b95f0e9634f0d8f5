"""The figures as tables for the screen and docs/performance.md, and as JSON."""

import json
from dataclasses import asdict, dataclass


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
    """What one run found."""

    rounds: int
    stock: Start
    starts: list[Start]
    requests: list[Requests]

    def markdown(self) -> str:
        """Two tables, ready to be pasted."""
        lines = [
            "| function | of stock | processor, ms | clock, ms | peak, MB |",
            "|---|---|---|---|---|",
            *(
                f"| {start.name} | {start.ratio:.2f} | {start.init:.0f} | {start.wall:.0f} | {start.peak:.0f} |"
                for start in (self.stock, *self.starts)
            ),
            "",
            "| orders API | of bare boto3 | processor, ms | bare boto3, ms |",
            "|---|---|---|---|",
            *(
                f"| {part.name} | {part.ratio:.2f} | {part.own:.1f} | {part.bare:.1f} |"
                for part in self.requests
            ),
        ]
        return "\n".join(lines)

    def json(self) -> str:
        """The same for programs."""
        return json.dumps(asdict(self), indent=1)
