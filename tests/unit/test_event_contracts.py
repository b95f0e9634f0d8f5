"""The events' contracts: committed as the code has them, compatible with consumers, and kept by every example."""

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from orders.domain.events import OrderFacts
from orders.domain.pricing import Breakdown
from shared.dynamo import from_item
from shared.events import Event
from tools.contracts.events.catalogue import PAGE, catalogue
from tools.contracts.events.contracts import SCHEMAS, Contract, contracts, schemas, written
from tools.contracts.events.release import BreakingContract, released, require_compatible
from tools.contracts.openapi.document import version
from tools.contracts.template import resources, subscriptions
from tools.filter_policy import named_types
from tools.settings import REPOSITORY

RENEW = "run `make events`"


@cache
def known() -> dict[tuple[str, int], Contract]:
    """The contracts by type and version."""
    return {(contract.event_type, contract.payload.event_version): contract for contract in contracts()}


def test_the_committed_schemas_are_what_the_payload_classes_say() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.iterdir()}
    assert committed == {contract.file_name: written(contract.schema()) for contract in contracts()}, RENEW


def test_the_committed_catalogue_is_what_the_code_and_the_template_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue(), RENEW


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_a_contract_is_a_valid_schema_that_its_own_example_keeps(contract: Contract) -> None:
    schema = contract.schema()
    meta.validate(schema)
    example = contract.example()

    Draft202012Validator(schema).validate(example)
    assert Event.model_validate(example).data == example["data"]
    assert contract.payload.model_validate(example["data"]).model_dump(exclude_none=True)
    without_data = {**example, "data": {}}
    assert not Draft202012Validator(schema).is_valid(without_data)


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_a_type_says_what_it_means(contract: Contract) -> None:
    assert contract.meaning
    assert contract.event_type.count(".") == 1


def test_every_event_with_a_consumer_is_published() -> None:
    published = {event_type for event_type, _ in known()}
    assert subscriptions(published).keys() <= published


def test_no_two_services_publish_the_same_type_and_version() -> None:
    assert len(known()) == len(contracts())


def examples_in_events() -> Iterator[Any]:
    """Every domain event in the example triggers, with the file that it stands in."""
    for path in sorted((REPOSITORY / "events").glob("*.json")):
        for record in json.loads(path.read_text(encoding="utf-8")).get("Records", []):
            if "body" in record:
                body = json.loads(record["body"])
                if "event_type" in body:  # not a notification of S3 or SES
                    yield pytest.param(body, id=path.stem)
            elif "NewImage" in record.get("dynamodb", {}):
                for entry in from_item(record["dynamodb"]["NewImage"]).get("outbox", []):
                    yield pytest.param(json.loads(entry), id=path.stem)


@pytest.mark.parametrize("event", list(examples_in_events()))
def test_an_example_trigger_carries_an_event_that_keeps_its_contract(event: dict[str, Any]) -> None:
    contract = known()[event["event_type"], event.get("event_version", 1)]

    Draft202012Validator(contract.schema()).validate(event)
    contract.payload.model_validate(event["data"])  # it refuses unknown properties


def test_no_consumer_of_a_released_event_breaks() -> None:
    require_compatible(released(), schemas(), version())


def test_a_release_may_not_change_the_data_of_a_released_event() -> None:
    last = {"version": "1.0.0", "events": schemas()}
    for change, broken in (
        (lambda data: data["required"].remove("sku"), "sku: may be missing"),
        (lambda data: data["properties"].pop("price"), "price: is gone"),
        (lambda data: data["properties"]["name"].update(type="integer"), "name: type is integer"),
    ):
        changed = copy.deepcopy(schemas())
        change(changed["product.changed.v1"]["properties"]["data"])
        with pytest.raises(BreakingContract, match=broken):
            require_compatible(last, changed, "2.0.0")


def test_only_a_release_that_announces_a_break_may_drop_a_version_of_an_event() -> None:
    last = {"version": "1.0.0", "events": schemas()}
    fewer = {name: schema for name, schema in schemas().items() if name != "product.changed.v1"}
    with pytest.raises(BreakingContract, match=r"product\.changed\.v1: is no longer published"):
        require_compatible(last, fewer, "1.1.0")
    require_compatible(last, fewer, "2.0.0")


def test_an_event_may_get_new_data_and_there_may_be_new_events() -> None:
    last = {"version": "1.0.0", "events": schemas()}
    more = copy.deepcopy(schemas())
    more["product.changed.v1"]["properties"]["data"]["properties"]["weight"] = {"type": "integer"}
    more["product.changed.v2"] = more["product.changed.v1"]
    require_compatible(last, more, "1.0.0")


def test_a_filter_changes_after_its_consumers_code() -> None:
    """So a consumer never receives a type that it does not read yet, and may drop what it does not read."""
    consumer_of = {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: name
        for name, resource in resources().items()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "SQS"
    }
    filtered = {
        name: resource
        for name, resource in resources().items()
        if resource["Type"] == "AWS::SNS::Subscription" and "FilterPolicy" in resource["Properties"]
    }
    assert len(filtered) >= 10
    for name, resource in filtered.items():
        waits_for = resource["DependsOn"]
        consumer = consumer_of[resource["Properties"]["Endpoint"]["Fn::GetAtt"][0]]
        assert consumer in ([waits_for] if isinstance(waits_for, str) else waits_for), name


def test_events_about_users_travel_on_a_topic_where_their_relay_alone_publishes() -> None:
    topics: dict[str, set[str]] = {}
    for resource in resources().values():
        if resource["Type"] == "AWS::SNS::Subscription" and "FilterPolicy" in resource["Properties"]:
            for event_type in named_types(resource["Properties"]["FilterPolicy"]):
                topics.setdefault(event_type, set()).add(resource["Properties"]["TopicArn"]["Ref"])
    of_users = {event_type for event_type in topics if event_type.startswith("user.")}
    assert len(of_users) >= 4
    for event_type, found in topics.items():
        assert found == {"UserEventsTopic" if event_type in of_users else "DomainEventsTopic"}, event_type

    publishers: dict[str, set[str]] = {}
    for name, resource in resources().items():
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy["Statement"] if isinstance(policy, dict) else []:
                if statement.get("Effect") == "Allow" and statement.get("Action") == "sns:Publish":
                    publishers.setdefault(statement["Resource"]["Ref"], set()).add(name)
    assert publishers["UserEventsTopic"] == {"UsersRelayFunction"}
    assert "UsersRelayFunction" not in publishers["DomainEventsTopic"]


def test_an_update_loses_no_event_about_a_user_on_its_way_to_its_own_topic() -> None:
    """The readers listen before the relay publishes there, and stop listening to the other topic only afterwards."""
    listening = {
        name
        for name, resource in resources().items()
        if resource["Type"] == "AWS::SNS::Subscription"
        and resource["Properties"]["TopicArn"] == {"Ref": "UserEventsTopic"}
    }
    assert set(resources()["UsersRelayFunction"]["DependsOn"]) == {*listening, "DomainEventsQueuePolicy"}
    for name in listening:
        elsewhere = resources().get(name.replace("UsersSubscription", "Subscription"), {})
        if name.endswith("UsersSubscription"):
            assert "UsersRelayFunction" in elsewhere["DependsOn"], name


def test_the_example_of_an_orders_event_has_the_status_and_the_sums_of_such_an_order() -> None:
    ended = {"placed", "confirmed", "abandoned", "rejected", "cancelled", "fulfilled", "parked"}
    for contract in (contract for contract in contracts() if issubclass(contract.payload, OrderFacts)):
        example = contract.payload.model_validate(contract.example()["data"])
        assert isinstance(example, OrderFacts)
        named = contract.event_type.removeprefix("order.")
        assert named not in ended or example.status == named
        assert example.breakdown == Breakdown.of(example.lines, "DE")
        assert example.total == example.breakdown.total
