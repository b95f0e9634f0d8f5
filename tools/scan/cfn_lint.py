"""cfn-lint with the rules of cfn-lint-serverless, on the template as it is written.

Beside a resource stands `Metadata: {cfn-lint: {config: {ignore_checks: [...]}, because: {<rule>: <reason>}}}`.
Acceptances of the whole template stand in .cfnlintrc.yaml, each with its reason in the comment above it.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.cloudformation_yaml import read_yaml
from tools.contracts.template import resources
from tools.scan.findings import Acceptance, Finding, Scan
from tools.scan.running import WORK, answer_of
from tools.settings import REPOSITORY

EVERYWHERE = "the template"

_CONFIG = REPOSITORY / ".cfnlintrc.yaml"
_TEMPLATE = REPOSITORY / "template.yaml"
_ITEM = re.compile(r"(?P<comment>(?:^ *#.*\n)+) *- (?P<rule>\w+)$", re.MULTILINE)
# cfn-lint ends with a sum of 2 (errors), 4 (warnings) and 8 (information).
_EXIT_CODES = tuple(range(0, 16, 2))


def scan() -> Scan:
    """Scans the template."""
    accepted = [*_accepted_everywhere(_CONFIG.read_text(encoding="utf-8")), *accepted_beside(resources())]
    return Scan("cfn-lint", list(findings(_TEMPLATE.read_text(encoding="utf-8"))), accepted)


def findings(template: str) -> Iterator[Finding]:
    """The findings in a template, with or without metadata that accepts them."""
    WORK.mkdir(parents=True, exist_ok=True)
    # The folder has no settings of cfn-lint, and the copy the same lines and columns.
    (WORK / "template.yaml").write_text(template.replace("cfn-lint:", "cfn-none:"))
    rules = read_yaml(_CONFIG.read_text(encoding="utf-8"))["append_rules"]
    program = Path(sys.executable).with_name("cfn-lint")
    options = ("--append-rules", *rules, "--format", "json", "--template", "template.yaml")
    for found in answer_of([program, *options], codes=_EXIT_CODES, cwd=WORK):
        path, line = found["Location"]["Path"] or [], found["Location"]["Start"]["LineNumber"]
        at = f"template.yaml:{line}" if path[:1] != ["Resources"] else str(path[1])
        rule = found["Rule"]
        yield Finding(rule["Id"], rule["ShortDescription"], (at, EVERYWHERE), found["Message"])


def accepted_beside(declared: Mapping[str, Any]) -> Iterator[Acceptance]:
    """What stands accepted beside resources of the template."""
    for name, resource in declared.items():
        directives = resource.get("Metadata", {}).get("cfn-lint", {})
        for rule in directives.get("config", {}).get("ignore_checks", ()):
            yield Acceptance(rule, name, directives.get("because", {}).get(rule, ""))


def _accepted_everywhere(config: str) -> Iterator[Acceptance]:
    reasons = {found["rule"]: found["comment"] for found in _ITEM.finditer(config)}
    for rule in read_yaml(config)["ignore_checks"]:
        reason = " ".join(re.sub(r"^ *#", "", reasons.get(rule, ""), flags=re.MULTILINE).split())
        # The comment begins with the rule in quotation marks.
        yield Acceptance(rule, EVERYWHERE, re.sub(r'^"[^"]*"\s*', "", reason))
