"""The envelope of a domain event, and the outbox that carries it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.clock import timestamp
from shared.dynamo import to_item
from shared.events import Event
from shared.outbox import StreamRecord, outbox_of, unpublished
from tests.made_up import made_up_event
from tools.contracts.template import resources

NOW = datetime(2026, 3, 2, 9, 30, 0, 125_000, tzinfo=UTC)


def placed(version: int = 1) -> Event:
    return made_up_event(
        "order.placed",
        aggregate_id="o-1",
        aggregate_version=version,
        occurred_at=NOW,
        correlation_id="c-1",
        data={"total": {"amount": 1, "currency": "EUR"}, "name": "Zoë"},
    )


def change(new: list[Event] | None, old: list[Event] | None = None) -> StreamRecord:
    images = {"NewImage": new, "OldImage": old}
    return {
        "dynamodb": {
            name: to_item({"pk": "o-1", **outbox_of(events)})
            for name, events in images.items()
            if events is not None
        }
    }


def test_the_same_change_always_makes_the_same_event_id() -> None:
    assert placed().event_id == placed().event_id == "o-1:1:order.placed"
    assert placed(2).event_id != placed(1).event_id


def test_times_are_utc_to_the_millisecond_wherever_they_come_from() -> None:
    assert placed().occurred_at == "2026-03-02T09:30:00.125Z"
    assert timestamp(NOW.astimezone(timezone(timedelta(hours=5)))) == "2026-03-02T09:30:00.125Z"


def test_timestamps_sort_as_times_do() -> None:
    moments = [NOW.replace(microsecond=0), NOW, NOW + timedelta(seconds=1)]
    assert sorted(timestamp(moment) for moment in moments) == [timestamp(moment) for moment in moments]


def test_an_event_comes_out_of_the_outbox_as_it_went_in() -> None:
    assert unpublished(change([placed()])) == [placed()]


def test_a_change_that_leaves_the_outbox_as_it_was_publishes_nothing() -> None:
    assert unpublished(change([placed()], old=[placed()])) == []


def test_a_change_with_a_new_outbox_publishes_the_new_events_only() -> None:
    assert unpublished(change([placed(2)], old=[placed(1)])) == [placed(2)]


def test_an_attribute_that_was_added_by_hand_keeps_no_event_from_going_out() -> None:
    by_hand = {"looked_at": {"NS": ["1", "2"]}, "seal": {"B": "AAE="}}
    record = change([placed()])
    record["dynamodb"]["NewImage"].update(by_hand)
    assert unpublished(record) == [placed()]


def test_a_deleted_item_publishes_nothing() -> None:
    assert unpublished(change(None, old=[placed()])) == []


# ---- What Lambda's filter lets through to a relay --------------------------------------------------------------------


def passes(pattern: dict[str, Any], record: Mapping[str, Any]) -> bool:
    """Whether a record fits a filter of `exists` alone: it may ask only for values that are no maps."""
    return all(
        passes(wanted, record.get(key, {}))
        if isinstance(wanted, dict)
        else wanted == [{"exists": key in record}]
        for key, wanted in pattern.items()
    )


RELAYS = {
    name: event["Properties"]
    for name, resource in resources().items()
    for event in resource.get("Properties", {}).get("Events", {}).values()
    if resource["Type"] == "AWS::Serverless::Function" and event["Type"] == "DynamoDB"
}


def test_every_relay_is_asked_here() -> None:
    assert len(RELAYS) >= 8


@pytest.mark.parametrize("relay", RELAYS)
def test_a_relay_runs_for_changes_with_events_and_for_those_of_unknown_content(relay: str) -> None:
    [entry] = RELAYS[relay]["FilterCriteria"]["Filters"]
    pattern = json.loads(entry["Pattern"])
    written_before_the_mark = {"dynamodb": {"NewImage": to_item({"pk": "o-1", "outbox": []})}}
    assert passes(pattern, change([placed()]))
    assert passes(pattern, change([placed(2)], old=[]))
    assert passes(pattern, written_before_the_mark)
    assert not passes(pattern, change([]))
    assert not passes(pattern, change([], old=[placed()]))
    assert not passes(pattern, change(None, old=[placed()]))
