"""The archive compared with the events' contracts: it stores all events except users', without personal data."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from archive.domain import without_personal_data
from shared.events import Event
from shared.record import PERSONAL
from tests.order_placed import PLACED_V1
from tools.contracts.events.contracts import Contract, contracts
from tools.contracts.openapi.schemas import REFERENCE, Schema
from tools.contracts.template import subscriptions

OTHERS = [contract for contract in contracts() if contract.service != "users"]
SOUNDS_PERSONAL = re.compile(
    r"(customer|user)_id|e?mail|phone|address|street|line\d|city|postal|birth|token|name|locale|\bip\b"
)
# These names sound personal and are not.
NOT_PERSONAL = {("product.changed.v1", "name")}

type Place = tuple[str, ...]


def whole(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema without references, and without the null of an optional field."""
    if "$ref" in schema:
        return {**definitions[schema["$ref"].removeprefix(REFERENCE)], **schema, "$ref": ""}
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    assert len(options) <= 1, "say how to walk through a value of several forms"
    return {**whole(options[0], definitions), **schema, "anyOf": []} if options else schema


def places(
    schema: Schema, definitions: dict[str, Schema], place: Place = (), *, personal: bool = False
) -> Iterator[tuple[Place, bool]]:
    """The place of every value, and whether the value or anything around it is marked as personal."""
    schema = whole(schema, definitions)
    personal = personal or schema.items() >= PERSONAL.items()
    if schema.get("properties"):
        for name, part in schema["properties"].items():
            yield from places(part, definitions, (*place, name), personal=personal)
    elif schema.get("type") == "array":
        yield from places(schema["items"], definitions, (*place, "[]"), personal=personal)
    else:
        yield place, personal


def places_of(contract: Contract) -> dict[Place, bool]:
    return dict(places(*contract.data()))


def filled(at: set[Place]) -> Any:
    """Data with a value at each of these places."""
    names = {place[0] for place in at if place}
    if not names:
        return "value"
    within = {name: filled({place[1:] for place in at if place[0] == name}) for name in names}
    return [within["[]"]] if names == {"[]"} else within


def leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    """The places of all values that are not containers."""
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from leaves(entry, (*place, name))
    elif isinstance(value, list):
        for entry in value:
            yield from leaves(entry, (*place, "[]"))
    else:
        yield place


def event_of(contract: Contract, data: dict[str, Any]) -> Event:
    return Event.model_validate(contract.example() | {"data": data})


def test_every_type_of_event_is_archived_or_about_a_user() -> None:
    types = {contract.event_type for contract in contracts()}
    readers = subscriptions(types)
    archived = {event_type for event_type in types if "archive.functions.store_events" in readers[event_type]}
    assert archived == {contract.event_type for contract in OTHERS}
    assert {event_type.partition(".")[0] for event_type in types - archived} == {"user"}


@pytest.mark.parametrize("contract", OTHERS, ids=lambda contract: contract.name)
def test_personal_data_is_left_out_and_nothing_else(contract: Contract) -> None:
    found = places_of(contract)

    kept = without_personal_data(event_of(contract, filled(set(found))))

    assert set(leaves(kept.data)) == {place for place, personal in found.items() if not personal}


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_every_field_that_sounds_personal_is_marked_as_personal(contract: Contract) -> None:
    unmarked = [
        place
        for place, personal in places_of(contract).items()
        if any(SOUNDS_PERSONAL.search(part) for part in place) and not personal
    ]
    assert {(contract.name, *place) for place in unmarked} <= NOT_PERSONAL


def test_the_walk_finds_personal_fields() -> None:
    [placed] = [contract for contract in OTHERS if contract.event_type == "order.placed"]
    personal = {".".join(place) for place, is_personal in places_of(placed).items() if is_personal}
    assert personal == {"customer_id"}
    assert "lines.[].unit_price.amount" in {".".join(place) for place in places_of(placed)} - personal


def test_the_walk_finds_personal_fields_at_any_depth() -> None:
    [registered] = [contract for contract in contracts() if contract.event_type == "user.registered"]
    assert any(places_of(registered).values())
    marked = {"type": "object", "properties": {"line1": {"type": "string"}}, **PERSONAL}
    schema = {"type": "object", "properties": {"order": {"properties": {"shipping_address": marked}}}}
    assert dict(places(schema, {})) == {("order", "shipping_address", "line1"): True}


def test_version_1_of_a_placed_order_loses_the_address_and_the_payment_token() -> None:
    kept = without_personal_data(PLACED_V1)

    order = PLACED_V1.data["order"]
    personal = {"customer_id", "payment_token", "shipping_address"}
    assert kept.data == {"order": {name: value for name, value in order.items() if name not in personal}}


@pytest.mark.parametrize(
    ("cause", "kept"),
    [
        ("0b9f2a9e-5d53-4c43-9a3c-2f6f4b1c7d10:3:user.deleted", None),
        ("ord_5b0c8a52:1:order.placed", "ord_5b0c8a52:1:order.placed"),
        ("ord_5b0c8a52/reserve", "ord_5b0c8a52/reserve"),
        (None, None),
    ],
)
def test_a_cause_that_names_a_user_is_left_out(cause: str | None, kept: str | None) -> None:
    caused = PLACED_V1.model_copy(update={"causation_id": cause})

    assert without_personal_data(caused).causation_id == kept


def test_the_event_itself_stays_as_it_is() -> None:
    event = PLACED_V1

    kept = without_personal_data(event)

    assert kept.model_copy(update={"data": event.data}) == event
    assert kept.data["order"]["order_id"] == event.data["order"]["order_id"]
    assert "shipping_address" in event.data["order"]
