"""Checkov, on the resources that CloudFormation deploys to production, and those of the payment provider's sandbox.

Beside a resource stands `Metadata: {checkov: {skip: [{id, comment}]}}`, as Checkov itself knows it. It holds for what
SAM makes from the resource, too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.bill.declared import Declared
from tools.contracts.template import resources
from tools.scan.findings import Acceptance, Finding, Scan
from tools.scan.running import WORK, answer_of

_IN_TEXT = re.compile(r"\$\{([\w:]+)(?:\.\w+)*\}")


def scan() -> Scan:
    """Scans the template."""
    production = Declared.for_production()
    with_sandbox = Declared(production.template, production.parameters | {"PaymentProviderUrl": ""})
    return Scan("checkov", list(findings(with_sandbox.resources)), list(accepted(resources())))


def findings(deployed: Mapping[str, Any]) -> Iterator[Finding]:
    """What Checkov finds in resources, whose parameters and conditions are decided."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / "deployed.json"
    # Checkov follows each reference, for half a minute, to where these words say as much.
    named = {name: {**_in_words(resource), "Metadata": {}} for name, resource in deployed.items()}
    path.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": named}, indent=1))
    options = ("--framework", "cloudformation", "--skip-download", "--compact", "--quiet", "--output", "json")
    found = answer_of(["checkov", "--file", path, *options])
    for check in found.get("results", {}).get("failed_checks", ()):
        name = check["resource"].rpartition(".")[2]
        yield Finding(check["check_id"], check["check_name"], (name, *_sources(name)))


def accepted(declared: Mapping[str, Any]) -> Iterator[Acceptance]:
    """What stands accepted beside resources of the template."""
    for name, resource in declared.items():
        for skipped in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
            # A comma ends a comment without quotation marks, and the rest becomes a key.
            whole = skipped.keys() == {"id", "comment"}
            yield Acceptance(skipped["id"], name, skipped["comment"].strip() if whole else "")


def _sources(name: str) -> Iterator[str]:
    """The resource of the template that SAM made a resource from: the longest name that begins its name."""
    declared = resources()
    if name not in declared:
        yield from sorted((source for source in declared if name.startswith(source)), key=len)[-1:]


def _in_words(value: Any) -> Any:
    """`value` with the names of what it refers to in place of references."""
    match value:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(), str()] as attribute}:
            return ".".join(attribute)
        case {"Fn::Sub": [str(text), dict()]} | {"Fn::Sub": str(text)}:
            return _IN_TEXT.sub(r"\1", text)
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(_in_words(part)) for part in parts)
        case dict():
            return {key: _in_words(member) for key, member in value.items()}
    return [_in_words(member) for member in value] if isinstance(value, list) else value
