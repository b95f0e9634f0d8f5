"""`python -m tools resources`: what CloudFormation makes of template.yaml, and how many resources each service takes.

CloudFormation takes 500 resources in a stack. The budget is lower, so that a team that starts from here has room.
"""

import argparse
import json
import os
import re
import subprocess
from collections import Counter
from copy import deepcopy
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.contracts.template import template
from tools.settings import REGION, REPOSITORY, SAM_PYTHON

BUDGET = 400
"""How many resources the stack may have."""
LIMIT = 500
"""How many resources CloudFormation takes in a stack."""
SHARED = "shared"
"""The name for resources of no single service."""

_TEMPLATE = REPOSITORY / "template.yaml"
_TRANSFORM = Path(__file__).with_name("sam_transform.py")
_SECTION = re.compile(r"^  # ([A-Z ]+): ", re.MULTILINE)
# SAM reads these only to know that they are in S3, where `sam deploy` puts them.
_SOURCES = ("CodeUri", "ContentUri", "DefinitionUri")


def register(subcommands: Subcommands) -> None:
    """Registers `resources`."""
    add_command(
        subcommands,
        "resources",
        _resources,
        description="count the resources that each service takes of the stack",
    )


def _resources(_: argparse.Namespace) -> None:
    counted = by_service()
    for service, kinds in sorted(counted.items(), key=lambda entry: -entry[1].total()):
        most = ", ".join(f"{number} {_short(kind)}" for kind, number in kinds.most_common(4))
        print(f"{service:<17} {kinds.total():>4}  {most}")
    total = sum(kinds.total() for kinds in counted.values())
    print(f"{'together':<17} {total:>4}  of {BUDGET}; CloudFormation takes {LIMIT}")
    if total > BUDGET:
        raise StepError(
            f"The stack has {total} resources, more than {BUDGET}.",
            "docs/deployment.md says how a service moves to a stack of its own.",
        )


@cache
def deployed() -> dict[str, Any]:
    """The template after both transforms, as CloudFormation deploys it. Do not change it.

    Conditions are not decided: it has the resources of every choice of parameters.
    """
    return transformed(template(), {})


def transformed(expanded: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    """A template without loops as SAM transforms it, with these values of its parameters and the defaults of others."""
    expanded = deepcopy(expanded)
    for resource in expanded["Resources"].values():
        properties = resource.get("Properties", {})
        properties.update({name: "s3://bucket/key" for name in _SOURCES if name in properties})
    return _transformed(expanded, parameters)


def _transformed(expanded: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
    if not SAM_PYTHON.exists():
        raise StepError("SAM CLI is not installed.", "Run `make setup`.")
    done = subprocess.run(
        [SAM_PYTHON, "-P", _TRANSFORM],
        input=json.dumps([expanded, parameters]),
        env=os.environ | {"AWS_DEFAULT_REGION": REGION},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StepError("SAM cannot transform the template.", done.stderr.strip()[-2000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def by_service() -> dict[str, Counter[str]]:
    """How many resources of each type each service takes, by the service's name."""
    sections = _sections()
    counted: dict[str, Counter[str]] = {}
    for name, resource in deployed()["Resources"].items():
        counted.setdefault(_owner(name, sections), Counter())[resource["Type"]] += 1
    return counted


def _owner(resource: str, sections: dict[str, str]) -> str:
    """The service that a resource is for: by the beginning of its name, or by its section in the template."""
    services = {
        "".join(word.capitalize() for word in path.name.split("_")): path.name
        for path in (REPOSITORY / "services").iterdir()
    }
    for names in (services, sections):
        if found := [prefix for prefix in names if resource.startswith(prefix)]:
            return names[max(found, key=len)]
    return SHARED


def _sections() -> dict[str, str]:
    """The section of each resource in the template's text, which is a service's name or `shared`."""
    text = _TEMPLATE.read_text(encoding="utf-8")
    begins = [(found.start(), found[1].lower().replace(" ", "_")) for found in _SECTION.finditer(text)]
    begins.append((len(text), ""))
    return {
        name: section
        for (start, section), (end, _) in pairwise(begins)
        for name in re.findall(r"^  (\w+):$", text[start:end], re.MULTILINE)
    }


def _short(kind: str) -> str:
    return " ".join(kind.split("::")[1:])
