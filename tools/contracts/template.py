"""template.yaml: its resources, and the consumers of each event by its subscriptions."""

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tools.cloudformation_yaml import read_yaml
from tools.filter_policy import lets_through, named_types
from tools.settings import REPOSITORY

_LOOP = "Fn::ForEach::"
_REFERENCE = re.compile(r"\$\{(?:AWS::)?(\w+)[^}]*\}")


@cache
def template() -> dict[str, Any]:
    """The template, read once; intrinsic functions are mappings (`{"Ref": ...}`). Do not change it.

    Its loops (`Fn::ForEach`) are expanded, as the transform AWS::LanguageExtensions does it in CloudFormation:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-foreach.html
    """
    return parsed(REPOSITORY / "template.yaml")


def parsed(path: Path) -> dict[str, Any]:
    """The template in a file, with its loops expanded."""
    found: dict[str, Any] = read_yaml(path.read_text(encoding="utf-8"))
    return {**found, "Resources": dict(_expanded(found["Resources"]))}


def resources() -> dict[str, Any]:
    """The template's resources by name."""
    found: dict[str, Any] = template()["Resources"]
    return found


def default_text(value: Any) -> str:
    """A property as text: a parameter is its default, a resource its logical id, a condition holds."""
    parameters = template()["Parameters"]
    match value:
        case {"Ref": str(name)}:
            return str(parameters[name]["Default"] if name in parameters else name)
        case {"Fn::GetAtt": [str(name), _]}:
            return name
        case {"Fn::Sub": str(text)}:
            return _REFERENCE.sub(r"\1", text)
        case {"Fn::Join": [str(separator), {"Ref": str(name)}]}:
            return separator.join(str(parameters[name]["Default"]).split(","))
        case {"Fn::If": [_, chosen, _]}:
            return default_text(chosen)
    return str(value)


def subscriptions(published: Iterable[str]) -> dict[str, list[str]]:
    """The consumers of each event type, as their handlers' modules, in the template's order.

    The types are the `published` ones, and others that a subscription names.
    """
    known = sorted(published)
    of_queue = {
        _target(event["Properties"]["Queue"]): resource["Properties"]["Handler"].removesuffix(".handler")
        for resource in resources().values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    readers: dict[str, list[str]] = {}
    for resource in resources().values():
        if resource["Type"] == "AWS::SNS::Subscription" and "FilterPolicy" in resource["Properties"]:
            consumer = of_queue[_target(resource["Properties"]["Endpoint"])]
            policy = resource["Properties"]["FilterPolicy"]
            by_rule = [event_type for event_type in known if lets_through(policy, event_type)]
            for event_type in dict.fromkeys([*named_types(policy), *by_rule]):
                readers.setdefault(event_type, []).append(consumer)
    return readers


def _target(attribute: dict[str, Any]) -> str:
    """The resource whose attribute `Fn::GetAtt` takes."""
    value = attribute["Fn::GetAtt"]
    name: str = value.partition(".")[0] if isinstance(value, str) else value[0]
    return name


def _expanded(resources: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in resources.items():
        if not name.startswith(_LOOP):
            yield name, value
            continue
        variable, collection, body = value
        for entry in collection:
            made = json.loads(json.dumps(body).replace(f"${{{variable}}}", entry))
            yield from ((key, _without_idle_subs(resource)) for key, resource in made.items())


def _without_idle_subs(value: Any) -> Any:
    """`value`, in which a text without any variable left stands for itself, and not for an `Fn::Sub` of it."""
    if isinstance(value, list):
        return [_without_idle_subs(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    text = value.get("Fn::Sub")
    if isinstance(text, str) and "${" not in text:
        return text
    return {key: _without_idle_subs(entry) for key, entry in value.items()}
