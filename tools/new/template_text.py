"""Inserts text into template.yaml. All else in the file stays as it is, with its comments.

A place is found by a line that stands there exactly once. A template without it is refused.
"""

import re

from tools.console import StepError

TEMPLATE = "template.yaml"
_RULE = "  # " + "=" * 116
_PARTS = (
    "Tables, buckets, accounts, secrets",
    "API",
    "Relay",
    "Consumers",
    "Steps and state machines",
    "Schedules",
    "Alarms",
)
"""The parts of a service's section, in their order."""


def before_line(text: str, line: str, inserted: str, *, after: str = "") -> str:
    """`text` with `inserted` before the first whole line `line`, behind the line `after` if one is given."""
    start = _place_of(text, after, 0) if after else 0
    place = _place_of(text, line, start)
    return text[:place] + inserted + text[place:]


def after_line(text: str, line: str, inserted: str) -> str:
    """`text` with `inserted` behind the first whole line `line`."""
    place = text.index("\n", _place_of(text, line, 0)) + 1
    return text[:place] + inserted + text[place:]


def section_of(text: str, title: str) -> tuple[int, int]:
    """Where the section of a service begins, with its banner, and ends; raises StepError."""
    found = re.search(rf"^{_RULE}\n  # {re.escape(title)}: .*\n{_RULE}\n", text, re.MULTILINE)
    if found is None:
        raise StepError(f"{TEMPLATE} has no section {title}.", "Nothing was changed.")
    following = re.compile(rf"^(?:{_RULE}|# =+)$", re.MULTILINE).search(text, found.end())
    return found.start(), following.start() if following else len(text)


def heading(part: str) -> str:
    """The comment above a part of a section."""
    return f"  # ---- {part} " + "-" * (120 - len(f"  # ---- {part} ")) + "\n"


def with_part(text: str, title: str, part: str, inserted: str) -> str:
    """`text` with `inserted` at the end of a part of the section `title`; the part is made if it is missing."""
    start, end = section_of(text, title)
    section = text[start:end]
    places = {name: section.find(heading(name)) for name in _PARTS}
    later = [places[name] for name in _PARTS[_PARTS.index(part) + 1 :] if places[name] >= 0]
    place = start + min(later, default=len(section))
    head = "" if places[part] >= 0 else heading(part) + "\n"
    return text[:place] + head + inserted + "\n" + text[place:]


def _place_of(text: str, line: str, start: int) -> int:
    found = re.compile(rf"^{re.escape(line)}$", re.MULTILINE).search(text, start)
    if found is None:
        raise StepError(
            f"{TEMPLATE} has no line {line.strip()!r}, behind which the new text belongs.",
            "Nothing was changed. Restore the line, or change tools/new/template_text.py with it.",
        )
    return found.start()
