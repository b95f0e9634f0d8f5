"""The notes of a release: which changes of the contracts they name, and as what."""

import copy
from typing import Any

import pytest

from tools.console import StepError
from tools.contracts import asyncapi
from tools.contracts.events.contracts import schemas
from tools.contracts.openapi.release import released
from tools.contracts.release_notes import (
    Changes,
    Contracts,
    api_changes,
    contracts_of,
    event_changes,
    live_changes,
    notes,
    parameter_changes,
)
from tools.contracts.template import template

NOTHING = Changes([], [], [])
READ, CANCEL = "GET /orders/{order_id}", "POST /orders/{order_id}/cancel"


def api() -> dict[str, Any]:
    document = released()
    assert document is not None
    return copy.deepcopy(document)


def answered(document: dict[str, Any]) -> dict[str, Any]:
    """The properties of an order in an answer."""
    found: dict[str, Any] = document["components"]["schemas"]["OrderView"]["properties"]
    return found


def test_the_same_contracts_have_no_changes() -> None:
    live = asyncapi.document()
    assert api_changes(api(), api()) == NOTHING
    assert event_changes(schemas(), schemas()) == NOTHING
    assert live_changes(live, live) == NOTHING
    assert parameter_changes(template()["Parameters"], template()["Parameters"]) == NOTHING
    same = Contracts(api(), schemas(), live, template()["Parameters"])
    assert notes(same, same, "v1.0.0").endswith("since v1.0.0.\n\nNo contract has changed.\n")


def test_a_route_that_is_new_or_gone_is_named_by_its_method_and_path() -> None:
    before, after = api(), api()
    summary = before["paths"]["/orders/{order_id}/cancel"]["post"]["summary"]
    del before["paths"]["/orders/{order_id}/cancel"], after["paths"]["/orders/{order_id}"]["get"]
    assert api_changes(before, after) == Changes([f"`{READ}` is gone"], [f"`{CANCEL}`: {summary}"], [])


def test_a_property_of_an_answer_that_is_new_or_gone_is_named_by_its_place() -> None:
    before, after = api(), api()
    del answered(before)["total"], answered(after)["status"]
    found = api_changes(before, after)
    assert f"`{READ} 200/status` is gone" in found.breaking
    assert f"`{READ} 200/total`" in found.new
    assert not found.compatible


def test_a_request_that_accepts_more_is_no_break() -> None:
    before, after = api(), api()
    for document, limit in ((before, 50), (after, 100)):
        [parameter] = [
            each for each in document["paths"]["/orders"]["get"]["parameters"] if each["name"] == "limit"
        ]
        parameter["schema"] = {"type": "integer", "maximum": limit}
    assert api_changes(before, after) == Changes([], [], ["`GET /orders query limit`"])
    assert api_changes(after, before) == Changes(["`GET /orders query limit` maximum is 50, was 100"], [], [])


def test_an_event_may_come_and_go_and_grow() -> None:
    before, after = schemas(), schemas()
    del before["order.parked.v1"], after["stock.low.v1"]
    grown = copy.deepcopy(after["order.fulfilled.v1"])
    grown["properties"]["data"]["properties"]["weight"] = {"type": "integer"}
    found = event_changes(before, after | {"order.fulfilled.v1": grown})
    meaning = after["order.parked.v1"]["description"]
    assert found == Changes(
        ["`stock.low.v1` is gone"],
        [f"`order.parked.v1`: {meaning}", "`order.fulfilled.v1/data/weight`"],
        [],
    )


def test_a_live_message_is_judged_by_who_sends_it() -> None:
    before = asyncapi.document()
    after = copy.deepcopy(before)
    for name in ("Ping", "OrderChanged"):
        schema = after["components"]["schemas"][name]
        schema["properties"]["shop"] = {"type": "string"}
        schema["required"] = [*schema.get("required", []), "shop"]
    # A client that sends no shop is refused now; one that is sent a shop ignores it.
    found = live_changes(before, after)
    assert "`Ping/shop` is required, and was not" in found.breaking
    assert "`OrderChanged/shop`" in found.new
    assert not [line for line in found.breaking if "OrderChanged" in line]


def test_a_parameter_breaks_a_deployment_if_it_goes_or_has_no_default() -> None:
    before = {"Gone": {"Default": "1"}, "Kept": {"Default": 1}}
    after = {
        "Kept": {"Default": 2},
        "Asked": {},
        "Added": {"Default": "", "Description": "What it does"},
    }
    assert parameter_changes(before, after) == Changes(
        ["`Gone` is gone", "`Asked` is required"],
        ["`Added`, default empty: What it does"],
        ["`Kept`: the default is `2`, was `1`"],
    )


def test_the_page_has_a_part_for_each_contract_that_changed() -> None:
    before, after = api(), api()
    after["info"]["version"] = "9.0.0"
    del after["paths"]["/orders/{order_id}/cancel"]
    same = {"events": schemas(), "live": asyncapi.document(), "parameters": template()["Parameters"]}
    assert notes(Contracts(before, **same), Contracts(after, **same), "v8.0.0").splitlines() == [
        "# 9.0.0",
        "",
        "The changes of the contracts since v8.0.0.",
        "",
        "## HTTP API",
        "",
        "### Breaks readers and clients",
        "",
        f"- `{CANCEL}` is gone",
    ]


def test_a_revision_gives_its_committed_contracts_and_an_unknown_one_fails() -> None:
    found = contracts_of("HEAD")
    assert "/orders" in found.openapi["paths"]
    assert found.events.keys() >= {"order.placed.v2"}
    assert "Ping" in found.live["components"]["messages"]
    assert "Stage" in found.parameters
    with pytest.raises(StepError, match="no-such-tag"):
        contracts_of("no-such-tag")
