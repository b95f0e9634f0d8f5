"""An audit of the locked packages, if an index answers that tells the known vulnerabilities of a release, as PyPI does.

It asks as `pip-audit --vulnerability-service pypi` does, but all at once: https://docs.pypi.org/api/json/. A comment in
a `requirements/*.in` accepts one: `# accepted: CVE-2024-23342 in ecdsa: the reason`.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tools.scan.findings import Acceptance, Finding, Scan
from tools.settings import REPOSITORY

INDEX = "https://pypi.org"

# An index that knows nothing against this release tells no vulnerabilities at all.
_KNOWN_TO_BE_VULNERABLE = ("jinja2", "2.10")
_LOCKED = re.compile(r"^(?P<name>[\w.-]+)(?:\[[\w,-]+\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)
_ACCEPTED = re.compile(r"^# accepted: (?P<rule>\S+) in (?P<package>[\w.-]+):? ?(?P<reason>.*)$", re.MULTILINE)
_AT_ONCE = 8
_SECONDS = 5

type Release = tuple[str, str]
"""A package's name and version."""


def scan(index: str = INDEX) -> Scan:
    """Asks the index about each release of requirements/*.txt."""
    folder = REPOSITORY / "requirements"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))]
    wanted = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.in"))]
    return audit(locked(texts), list(accepted(wanted)), index)


def audit(releases: Iterable[Release], accepted: list[Acceptance], index: str) -> Scan:
    """What the index knows against releases. Nothing fails because it does not answer; the remark says so."""
    if not _answer(index, _KNOWN_TO_BE_VULNERABLE):
        return Scan(
            "locks",
            [],
            accepted,
            f"skipped: {index} tells no vulnerabilities here",
            answered=False,
            may_change=True,
        )
    releases = sorted(releases)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(releases, pool.map(lambda each: _answer(index, each), releases), strict=True))
    silent = [f"{name} {version}" for (name, version), answer in answers.items() if answer is None]
    found = {
        finding: None for release, answer in answers.items() for finding in _findings(release, answer or [])
    }
    remark = f"{len(releases)} releases" + (f", no answer about {', '.join(silent)}" if silent else "")
    return Scan("locks", list(found), accepted, remark, answered=not silent, may_change=True)


def locked(texts: Iterable[str]) -> set[Release]:
    """The releases that lock files name."""
    return {(found["name"], found["version"]) for text in texts for found in _LOCKED.finditer(text)}


def accepted(texts: Iterable[str]) -> Iterator[Acceptance]:
    """What comments beside the wanted packages accept."""
    for text in texts:
        for found in _ACCEPTED.finditer(text):
            yield Acceptance(found["rule"], found["package"], found["reason"].strip())


def _findings(release: Release, known: list[dict[str, Any]]) -> Iterator[Finding]:
    name, version = release
    for vulnerability in known:
        if not vulnerability.get("withdrawn"):
            # Databases repeat each other under ids of their own; the CVE is common to them.
            aliases = [alias for alias in vulnerability.get("aliases", ()) if alias.startswith("CVE-")]
            fixed = ", ".join(vulnerability.get("fixed_in") or ["no release yet"])
            yield Finding(
                (aliases or [vulnerability["id"]])[0],
                "known vulnerability",
                (f"{name} {version}", name),
                f"known vulnerability, fixed in {fixed}",
            )


def _answer(index: str, release: Release) -> list[dict[str, Any]] | None:
    """What is known against a release; None if the index does not answer."""
    name, version = release
    try:
        answer = requests.get(f"{index}/pypi/{name}/{version}/json", timeout=_SECONDS)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["vulnerabilities"]
    except (requests.RequestException, ValueError, KeyError):
        return None
    return found
