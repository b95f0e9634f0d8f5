"""What the template says of functions, tables, subscriptions and state machines, as far as an order meets them.

A resource's name in the harness is its logical id, wherever the template refers to it.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from moto.events.models import EventPattern

from tests.faults.machine import Machines
from tools.contracts.template import default_text, template
from tools.filter_policy import lets_through, named_types

ROOT = Path(__file__).parents[2]
PROVIDER_URL = "http://provider"
# Variables whose default switches something off that the harness has.
_CHOSEN = {"PAYMENT_PROVIDER_URL": PROVIDER_URL, "MAIL_SENDER": "orders@cartwright.example"}
_ORDER_SAGA = "statemachines/order_saga.asl.json"
# They have no step of the saga. But an order's customer gets each mail once, and their money for what comes back.
_ALSO_OF_AN_ORDER = {"notifications", "returns"}


@dataclass(frozen=True)
class ByRule:
    """The types of events that a filter policy lets through by a rule, rather than by their names."""

    policy: dict[str, Any]

    def __contains__(self, event_type: object) -> bool:
        return lets_through(self.policy, str(event_type))


type Types = frozenset[str] | ByRule
"""Which types of events a consumer is sent."""


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

    def reaches_its_relay(self, table: str, record: Any) -> bool:
        """Whether the table has a relay, and Lambda's filter lets the record of its stream through."""
        return any(pattern.matches_event(record) for pattern in self._filters.get(table, ()))

    @cached_property
    def _filters(self) -> dict[str, list[EventPattern]]:
        """Any of which lets a record of a table's stream through to the table's relay."""
        return {
            event["Properties"]["Stream"]["Fn::GetAtt"][0]: [
                EventPattern.load(each["Pattern"])
                for each in event["Properties"]["FilterCriteria"]["Filters"]
            ]
            for _, properties in self._of("Serverless::Function")
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
            if event["Type"] == "Schedule" and self.service_of(name) in self.services_of_the_saga
        )

    @cached_property
    def services_of_the_saga(self) -> frozenset[str]:
        """The services with a step of the order saga; their schedules see to orders, too."""
        [saga] = [
            properties
            for _, properties in self._of("Serverless::StateMachine")
            if properties["DefinitionUri"] == _ORDER_SAGA
        ]
        called = saga["DefinitionSubstitutions"].values()
        return frozenset(self.service_of(default_text(function)) for function in called)

    def service_of(self, function: str) -> str:
        """The service that the function belongs to."""
        return self.functions[function].module.partition(".")[0]

    @cached_property
    def subscribers(self) -> list[tuple[Types, str]]:
        """Which types of events each consuming function is sent, without the onlookers.

        Nothing about an order hangs on what onlookers do with its events. So the order's schedules are not multiplied
        by theirs.
        """
        of_an_order = self.services_of_the_saga | _ALSO_OF_AN_ORDER
        return [(types, name) for types, name in self.consumers if self.service_of(name) in of_an_order]

    @cached_property
    def consumers(self) -> list[tuple[Types, str]]:
        """Which types of events each consuming function is sent."""
        return [
            (
                _types(properties["FilterPolicy"]),
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


def _types(policy: dict[str, Any]) -> Types:
    names = named_types(policy)
    return frozenset(names) if names == policy["event_type"] else ByRule(policy)
