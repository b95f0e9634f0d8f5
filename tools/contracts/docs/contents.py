"""`make decisions`: the contents of docs/decisions.md, by topic, with the status of each entry.

An entry that another one replaced says so in its first words: "Replaced by 42". A new entry stands under "Not sorted
yet" until `TOPICS` names it.
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.contracts.docs.references import anchor_of
from tools.settings import REPOSITORY

DECISIONS = REPOSITORY / "docs" / "decisions.md"

TOPICS = {
    "The order and its saga": (1, 3, 4, 5, 6, 7, 30, 39, 49, 50, 51, 60, 65, 67, 77, 92, 93, 94, 95, 115, 172),
    "Events, the outbox and queues": (2, 8, 9, 10, 42, 43, 44, 62, 84, 96, 98, 104, 140, 154),
    "Money": (11, 12, 29, 33, 34, 78, 149),
    "Stock, parcels and returns": (31, 37, 38, 147, 148, 150),
    "The API": (20, 21, 22, 24, 25, 35, 69, 74, 75, 76, 80),
    "Accounts, mails and live updates": (18, 26, 27, 40, 41, 45, 81, 82, 88, 116),
    "Pictures": (32, 46, 47, 48, 114),
    "Jobs, reports and the archive": (52, 53, 54, 56, 57, 58, 59, 68),
    "Security and personal data": (
        28, 110, 111, 112, 113, 117, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133,
        168, 169, 170, 171,
    ),
    "Speed, cost and operations": (55, 83, 86, 87, 89, 90, 91, 97, 99, 103, 105, 106, 146, 151, 152, 153),
    "Code, template and build": (
        13, 14, 15, 16, 17, 23, 36, 61, 63, 64, 66, 70, 71, 72, 73, 139, 141, 142, 145, 186, 187,
    ),
    "The embedded cloud and tests": (
        19, 79, 85, 100, 101, 102, 107, 108, 109, 118, 119, 134, 135, 136, 137, 138, 159, 160, 165, 166,
        167, 185,
    ),
}  # fmt: skip
"""The numbers of the entries by topic; each stands under one."""

_UNSORTED = "Not sorted yet"
_BEGIN, _END = "<!-- contents: `make decisions` renews them -->\n", "<!-- end of the contents -->\n"
_ENTRY = re.compile(r"^## (?P<heading>(?P<number>\d+)\. (?P<title>.+))\n\n(?P<first>.+)", re.MULTILINE)
_REPLACED = re.compile(r"\**Replaced by (?P<number>\d+)\**(?P<part> in its \w+ half)?")


@dataclass(frozen=True)
class Decision:
    """One entry: its number, title, anchor, and the number of the entry that replaced it, or a part of it."""

    number: int
    title: str
    anchor: str
    replaced_by: int | None
    is_partly_replaced: bool

    @property
    def status(self) -> str:
        """The status as the contents show it; empty if the entry holds."""
        if self.replaced_by is None:
            return ""
        return f" (replaced by {self.replaced_by}{', in part' if self.is_partly_replaced else ''})"


def register(subcommands: Subcommands) -> None:
    """Registers `decisions`."""
    add_command(
        subcommands,
        "decisions",
        _renew,
        description="renew the contents of the decisions, by topic and status",
    )


def _renew(_: argparse.Namespace) -> None:
    DECISIONS.write_text(with_contents(DECISIONS.read_text(encoding="utf-8")), encoding="utf-8")
    print(DECISIONS.relative_to(REPOSITORY))


def decisions(text: str) -> Iterator[Decision]:
    """The entries, in their order."""
    for entry in _ENTRY.finditer(text):
        replaced = _REPLACED.match(entry["first"])
        yield Decision(
            int(entry["number"]),
            entry["title"],
            anchor_of(entry["heading"]),
            int(replaced["number"]) if replaced else None,
            bool(replaced and replaced["part"]),
        )


def with_contents(text: str) -> str:
    """The text of docs/decisions.md with current contents; raises StepError if it has no place for them."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise StepError("docs/decisions.md has no place for its contents.", f"Put back {_BEGIN}{_END}")
    found = {decision.number: decision for decision in decisions(after)}
    topics = {topic: [number for number in numbers if number in found] for topic, numbers in TOPICS.items()}
    sorted_ones = {number for numbers in topics.values() for number in numbers}
    topics[_UNSORTED] = [number for number in found if number not in sorted_ones]
    lists = [
        f"**{topic}**\n\n" + "".join(_line(found[number]) for number in numbers)
        for topic, numbers in topics.items()
        if numbers
    ]
    return f"{before}{begin}\n{'\n'.join(lists)}\n{end}{after}"


def _line(decision: Decision) -> str:
    return f"- [{decision.number}. {decision.title}](#{decision.anchor}){decision.status}\n"
