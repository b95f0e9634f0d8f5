"""What the template says of functions, tables, subscriptions and state machines, as far as an order meets them.

A resource's name in the harness is its logical id, wherever the template refers to it.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.faults.machine import Machines
from tools.contracts.template import default_text, template

ROOT = Path(__file__).parents[2]
PROVIDER_URL = "http://provider"
# Variables whose default switches something off that the harness has.
_CHOSEN = {"PAYMENT_PROVIDER_URL": PROVIDER_URL, "MAIL_SENDER": "orders@cartwright.example"}
# Nothing about an order hangs on what these do with its events, so its schedules are not multiplied by theirs.
ONLOOKERS = ("live.", "reports.", "archive.", "users.")
# Whose schedules see to orders.
_SERVICES_OF_AN_ORDER = {"orders", "payments", "inventory", "shipping"}


@dataclass(frozen=True)
class Function:
    """A function as the template declares it."""

    name: str
    module: str
    environment: dict[str, str]


class Template:
    """The template, read once."""

    def __init__(self) -> None:
        self._resources: dict[str, dict[str, Any]] = template()["Resources"]

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Every function, by logical id."""
        return {
            name: self._function(name, properties) for name, properties in self._of("Serverless::Function")
        }

    @cached_property
    def tables(self) -> dict[str, dict[str, Any]]:
        """What CreateTable takes for each table, by logical id."""
        taken = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        return {
            name: {
                "TableName": name,
                **{key: properties[key] for key in taken if key in properties},
                **(
                    {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
                    if "StreamSpecification" in properties
                    else {}
                ),
            }
            for name, properties in self._of("DynamoDB::Table")
        }

    @cached_property
    def relays(self) -> dict[str, str]:
        """The function that reads each table's stream."""
        return {
            event["Properties"]["Stream"]["Fn::GetAtt"][0]: name
            for name, properties in self._of("Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] == "DynamoDB"
        }

    @cached_property
    def scheduled(self) -> tuple[str, ...]:
        """The functions that run by the clock to bring orders to their end."""
        return tuple(
            name
            for name, properties in self._of("Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] == "Schedule"
            and self.functions[name].module.partition(".")[0] in _SERVICES_OF_AN_ORDER
        )

    @cached_property
    def subscribers(self) -> list[tuple[frozenset[str], str]]:
        """Which types of events each consuming function is sent, without the onlookers."""
        return [
            (types, name)
            for types, name in self.consumers
            if not self.functions[name].module.startswith(ONLOOKERS)
        ]

    @cached_property
    def consumers(self) -> list[tuple[frozenset[str], str]]:
        """Which types of events each consuming function is sent."""
        return [
            (
                frozenset(properties["FilterPolicy"]["event_type"]),
                self.consumers_of_queues[properties["Endpoint"]["Fn::GetAtt"][0]],
            )
            for _, properties in self._of("SNS::Subscription")
            # What is not filtered is no domain event: nothing here sends it.
            if properties.get("Protocol") == "sqs" and "FilterPolicy" in properties
        ]

    @cached_property
    def consumers_of_queues(self) -> dict[str, str]:
        """The function that each queue's messages go to."""
        return {
            event["Properties"]["Queue"]["Fn::GetAtt"][0]: name
            for name, properties in self._of("Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] == "SQS"
        }

    @cached_property
    def receives(self) -> dict[str, int]:
        """How often each consuming function's queue delivers a message before it is a dead letter."""
        return {
            name: int(
                self._resources[event["Properties"]["Queue"]["Fn::GetAtt"][0]]["Properties"]["RedrivePolicy"][
                    "maxReceiveCount"
                ]
            )
            for name, properties in self._of("Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] == "SQS"
            and "RedrivePolicy"
            in self._resources[event["Properties"]["Queue"]["Fn::GetAtt"][0]]["Properties"]
        }

    @cached_property
    def delayed(self) -> set[str]:
        """The consuming functions whose queue holds each message back for a time that is chosen at the deployment."""
        return {
            name
            for name, properties in self._of("Serverless::Function")
            for event in properties.get("Events", {}).values()
            if event["Type"] == "SQS"
            and isinstance(self._queue(event["Properties"]).get("DelaySeconds"), dict)
        }

    def _queue(self, source: dict[str, Any]) -> dict[str, Any]:
        properties: dict[str, Any] = self._resources[source["Queue"]["Fn::GetAtt"][0]]["Properties"]
        return properties

    @cached_property
    def express(self) -> frozenset[str]:
        """The state machines whose executions have no name of their own, and may be cut off."""
        return frozenset(
            name
            for name, properties in self._of("Serverless::StateMachine")
            if properties["Type"] == "EXPRESS"
        )

    @cached_property
    def machines(self) -> Machines:
        """The state machines, from their files."""
        definitions, functions = {}, {}
        for name, properties in self._of("Serverless::StateMachine"):
            definitions[name] = json.loads((ROOT / properties["DefinitionUri"]).read_text())
            functions[name] = {
                parameter: value["Fn::GetAtt"][0]
                for parameter, value in properties["DefinitionSubstitutions"].items()
                if "Fn::GetAtt" in value
            }
        return Machines(definitions, functions)

    def _of(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (name, resource["Properties"])
            for name, resource in self._resources.items()
            if resource["Type"] == f"AWS::{kind}"
        ]

    def _function(self, name: str, properties: dict[str, Any]) -> Function:
        variables = properties.get("Environment", {}).get("Variables", {})
        return Function(
            name,
            properties["Handler"].removesuffix(".handler"),
            {key: _CHOSEN.get(key) or default_text(value) for key, value in variables.items()},
        )
