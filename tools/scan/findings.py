"""The findings of a scanner, their acceptances, and the complaints about both."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Finding:
    """A scanner's complaint."""

    rule: str
    title: str
    """What the rule asks for, the same for each of its findings."""
    places: tuple[str, ...]
    """From narrow to wide: a line and its file, or a resource and what SAM made it from."""
    text: str = ""
    """What is wrong here, if that says more."""

    def __str__(self) -> str:
        return f"{self.rule} at {self.places[0]}: {self.text or self.title}"


@dataclass(frozen=True)
class Acceptance:
    """A finding that stands, at one place or at each that a pattern (`tools/*`) names, and why."""

    rule: str
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.place}"

    def covers(self, finding: Finding) -> bool:
        """Whether it is of this finding."""
        return self.rule == finding.rule and any(fnmatchcase(place, self.place) for place in finding.places)


@dataclass(frozen=True)
class Scan:
    """The findings of one scanner, accepted ones included, and the acceptances."""

    scanner: str
    findings: Sequence[Finding]
    accepted: Sequence[Acceptance]
    remark: str = ""
    answered: bool = True
    """Whether the scanner could look at all: an audit without an index cannot."""
    may_change: bool = False
    """Whether an unchanged commit may have other findings tomorrow. They fail a run of `make scan` alone."""

    def complaints(self) -> list[str]:
        """What has to be mended, a line each."""
        return [
            *(str(finding) for finding in self.findings if not any(a.covers(finding) for a in self.accepted)),
            *(
                f"{accepted} is accepted without a reason"
                for accepted in self.accepted
                if not accepted.reason
            ),
            *(
                f"{accepted} is accepted, but not found"
                for accepted in self.accepted
                if self.answered and not any(accepted.covers(finding) for finding in self.findings)
            ),
        ]
