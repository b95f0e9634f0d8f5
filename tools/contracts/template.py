"""template.yaml: its resources, and the consumers of each event by its subscriptions."""

from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from tools.settings import REPOSITORY


@cache
def template() -> dict[str, Any]:
    """The template, read once; intrinsic functions are mappings (`{"Ref": ...}`). Do not change it."""
    found: dict[str, Any] = yaml_parse((REPOSITORY / "template.yaml").read_text(encoding="utf-8"))
    return found


def resources() -> dict[str, Any]:
    """The template's resources by name."""
    found: dict[str, Any] = template()["Resources"]
    return found


def subscriptions() -> dict[str, list[str]]:
    """The consumers of each event type, as their handlers' modules, in the template's order."""
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
            for event_type in resource["Properties"]["FilterPolicy"]["event_type"]:
                readers.setdefault(event_type, []).append(consumer)
    return readers


def _target(attribute: dict[str, Any]) -> str:
    """The resource whose attribute `Fn::GetAtt` takes."""
    value = attribute["Fn::GetAtt"]
    name: str = value.partition(".")[0] if isinstance(value, str) else value[0]
    return name
