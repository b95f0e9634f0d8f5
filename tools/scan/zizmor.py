"""zizmor, on the workflows of GitHub and on Dependabot's settings, without asking GitHub.

A line has its acceptance at its end: `# zizmor: ignore[rule] the reason`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from tools.scan.findings import Acceptance, Finding, Scan
from tools.scan.running import answer_of
from tools.settings import REPOSITORY

_FOLDER = REPOSITORY / ".github"
_ON_A_LINE = re.compile(r"#\s*zizmor:\s*ignore\[(?P<rules>[\w, -]*)\](?P<reason>.*)")


def scan() -> Scan:
    """Scans the workflows."""
    return Scan("zizmor", list(findings(_FOLDER)), list(accepted(_FOLDER)))


def findings(folder: Path) -> Iterator[Finding]:
    """The findings in a folder, with or without a comment that accepts them."""
    options = ("--offline", "--no-ignores", "--no-exit-codes", "--quiet", "--format", "json-v1")
    for found in answer_of(["zizmor", *options, "."], cwd=folder):
        # The comment may stand at any line that the finding points at; the first is the one to show.
        pointed_at = sorted(found["locations"], key=lambda each: each["symbolic"]["kind"] != "Primary")
        places = [
            f"{each['symbolic']['key']['Local']['verbatim_path'].removeprefix('./')}:"
            f"{each['concrete']['location']['start_point']['row'] + 1}"
            for each in pointed_at
        ]
        yield Finding(found["ident"], found["desc"], tuple(dict.fromkeys(places)))


def accepted(folder: Path) -> Iterator[Acceptance]:
    """What comments in a folder accept."""
    for file in sorted(folder.rglob("*.yml")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if found := _ON_A_LINE.search(line):
                for rule in re.findall(r"[\w-]+", found["rules"]):
                    yield Acceptance(rule, f"{file.relative_to(folder)}:{number}", found["reason"].strip())
