"""docs/scanners.md: each finding that stands accepted, and why."""

from collections.abc import Sequence

from tools.scan.findings import Scan
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "scanners.md"

_HEAD = """\
# Findings of the scanners that stand

`.venv/bin/python -m tools scan write` makes this page from the reasons that stand beside each cause. All else that a
scanner finds fails `make scan`. So does a reason for a finding that no longer comes. Decision 110 says why and how.
"""


def page(scans: Sequence[Scan]) -> str:
    """The page's text."""
    parts = [_HEAD]
    for scan in scans:
        titles = {finding.rule: finding.title for finding in scan.findings}
        places: dict[str, dict[str, set[str]]] = {}
        for accepted in scan.accepted:
            # Lines move with every change; the reason stands there anyway.
            place = accepted.place.partition(":")[0]
            places.setdefault(accepted.rule, {}).setdefault(accepted.reason, set()).add(place)
        if places:
            parts.append(f"\n## {scan.scanner}\n")
        for rule, reasons in sorted(places.items()):
            parts.append(f"\n### {rule}: {titles.get(rule, 'known vulnerability')}\n\n")
            parts += (
                f"- {reason or 'No reason.'} ({len(names)}: {', '.join(f'`{name}`' for name in sorted(names))})\n"
                for reason, names in sorted(reasons.items())
            )
    return "".join(parts)
