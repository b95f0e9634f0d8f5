"""Bandit, on all code but the tests.

A line has its acceptance at its end: `# nosec B311 - the reason`. Those of whole folders stand in pyproject.toml.
"""

import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.scan.findings import Acceptance, Finding, Scan
from tools.scan.running import answer_of
from tools.settings import REPOSITORY

ROOTS = tuple(REPOSITORY / name for name in ("services", "shared_layer", "tools", "benchmarks"))

_ON_A_LINE = re.compile(r"#\s*nosec\b:?\s*(?P<rules>[\w, ]*)(?:- (?P<reason>.*))?")
_EVERY_RULE = "any rule"


def scan() -> Scan:
    """Scans the code."""
    return Scan("bandit", list(findings(ROOTS)), [*accepted(ROOTS), *_accepted_in_folders()])


def findings(roots: Iterable[Path]) -> Iterator[Finding]:
    """The findings in folders or files, with or without a comment that accepts them."""
    found = answer_of(["bandit", "--recursive", *roots, "--ignore-nosec", "--format", "json", "--quiet"])
    for result in found["results"]:
        name = _name(Path(result["filename"]))
        lines = dict.fromkeys([result["line_number"], *result["line_range"]])
        places = (*(f"{name}:{line}" for line in lines), name)
        # Many rules share this name; their texts say what each is about.
        named = result["test_name"] != "blacklist"
        title = result["test_name"].replace("_", " ") if named else result["issue_text"].partition(".")[0]
        yield Finding(result["test_id"], title, places, result["issue_text"])


def accepted(roots: Iterable[Path]) -> Iterator[Acceptance]:
    """What comments in folders or files accept."""
    files = (file for root in roots for file in (sorted(root.rglob("*.py")) if root.is_dir() else [root]))
    for file in files:
        if b"nosec" not in file.read_bytes():
            continue
        with file.open("rb") as code:
            for token in tokenize.tokenize(code.readline):
                if token.type == tokenize.COMMENT and (found := _ON_A_LINE.search(token.string)):
                    place = f"{_name(file)}:{token.start[0]}"
                    for rule in re.findall(r"\w+", found["rules"]) or [_EVERY_RULE]:
                        yield Acceptance(rule, place, (found["reason"] or "").strip())


def _accepted_in_folders() -> Iterator[Acceptance]:
    config = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    for folders, reasons in config["tool"]["cartwright"]["bandit"].items():
        yield from (
            Acceptance(rule, f"{folder.strip()}/*", reason)
            for folder in folders.split(",")
            for rule, reason in reasons.items()
        )


def _name(file: Path) -> str:
    return str(file.relative_to(REPOSITORY)) if file.is_relative_to(REPOSITORY) else file.name
