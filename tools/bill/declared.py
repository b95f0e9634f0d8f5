"""What the template declares, as it is deployed to production: the embedded cloud has settings of its own.

The stack has a payment provider and a sender of mail. So the resources of the sandbox provider are not in it.
"""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tools.bill.capacity import Table
from tools.contracts.deployed import deployed
from tools.settings import REPOSITORY

_ENVIRONMENT = "prod"
_PRICED_WITH = {"PaymentProviderUrl": "https://provider.example", "MailSender": "shop@cartwright.example"}
_NO_VALUE = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True)
class Declared:
    """The resources of a template after both transforms, with these values of its parameters."""

    template: dict[str, Any]
    parameters: dict[str, str]

    @classmethod
    def for_production(cls) -> "Declared":
        """The template of this working tree with the parameters of production."""
        config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())[_ENVIRONMENT]
        given: dict[str, str] = {}
        for command in ("global", "deploy"):
            overrides = config.get(command, {}).get("parameters", {}).get("parameter_overrides", "")
            given |= dict(entry.split("=", 1) for entry in overrides.split())
        return cls(deployed(), given | _PRICED_WITH)

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources that are deployed, by logical id; intrinsic functions that name others are left as they are."""
        return {
            name: {**resource, "Properties": self._decided(resource.get("Properties", {}))}
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self._holds({"Condition": resource["Condition"]})
        }

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of each resource of a type ("AWS::Lambda::Function"), by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The properties of the functions."""
        return self.of_type("AWS::Lambda::Function")

    @cached_property
    def provider_callers(self) -> set[str]:
        """The functions that know the address of the payment provider."""
        address = self.parameters.get("PaymentProviderUrl", "")
        return {
            name
            for name, function in self.functions.items()
            if address and address in function.get("Environment", {}).get("Variables", {}).values()
        }

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables with their indexes."""
        return {
            name: Table.of(name, properties)
            for name, properties in self.of_type("AWS::DynamoDB::Table").items()
        }

    @cached_property
    def machines(self) -> dict[str, dict[str, Any]]:
        """The properties of the state machines."""
        return self.of_type("AWS::StepFunctions::StateMachine")

    @cached_property
    def stages(self) -> dict[str, dict[str, Any]]:
        """The properties of each REST API's stage, by the API's logical id."""
        return {
            target(stage["RestApiId"]): stage for stage in self.of_type("AWS::ApiGateway::Stage").values()
        }

    @cached_property
    def event_sources(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The properties of each event source, by the logical ids of its queue or table and of its function."""
        return {
            (target(source["EventSourceArn"]), target(source["FunctionName"])): source
            for source in self.of_type("AWS::Lambda::EventSourceMapping").values()
            if is_true(source.get("Enabled", True))
        }

    @cached_property
    def queues_read(self) -> dict[str, dict[str, Any]]:
        """The event sources that are queues, by the queue alone: a queue has one reader."""
        queues = self.of_type("AWS::SQS::Queue")
        return {name: source for (name, _), source in self.event_sources.items() if name in queues}

    @cached_property
    def schedules(self) -> dict[str, tuple[str, str]]:
        """The expression, and the logical id of the target, of each schedule."""
        rules = self.of_type("AWS::Events::Rule")
        found = {
            name: (rule["ScheduleExpression"], target(rule["Targets"][0]["Arn"]))
            for name, rule in rules.items()
            if "ScheduleExpression" in rule
        }
        found |= {
            name: (schedule["ScheduleExpression"], target(schedule["Target"]["Arn"]))
            for name, schedule in self.of_type("AWS::Scheduler::Schedule").items()
        }
        return found

    def _decided(self, value: Any) -> Any:
        match value:
            case {"Fn::If": [str(condition), yes, no]}:
                return self._decided(yes if self._holds({"Condition": condition}) else no)
            case {"Ref": str(name)} if name in self.template["Parameters"]:
                return self._parameter(name)
            case dict():
                decided = {key: self._decided(member) for key, member in value.items()}
                return {key: member for key, member in decided.items() if member != _NO_VALUE}
            case list():
                return [self._decided(member) for member in value]
            case _:
                return value

    def _parameter(self, name: str) -> str:
        declared = self.template["Parameters"][name]
        return str(self.parameters.get(name, declared.get("Default", "")))

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Condition": name}:
                return self._holds(self.template["Conditions"][name])
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::And": several}:
                return all(self._holds(each) for each in several)
            case {"Fn::Or": several}:
                return any(self._holds(each) for each in several)
            case {"Fn::Equals": [one, other]}:
                return str(self._decided(one)) == str(self._decided(other))
        raise ValueError(f"no condition: {condition}")


def is_true(value: Any) -> bool:
    """Whether a property is true; a parameter makes it a text."""
    return str(value).lower() == "true"


def target(reference: Any) -> str:
    """The logical id that an intrinsic function names; empty if it names none."""
    match reference:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::GetAtt": str(attribute)}:
            return attribute.partition(".")[0]
    return ""
