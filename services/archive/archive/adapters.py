"""The archive's table.

The item of an event has `pk` = aggregate id. Its `sk` is the aggregate version in 12 digits, `#`, and the type and
version of the contract. `data` is JSON text as published, because DynamoDB does not preserve every number.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shared.dynamo import from_item, to_item
from shared.events import Event


class ArchiveStore:
    """Access to the archive's table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def put(self, event: Event) -> None:
        """Stores the event under the key that follows from it. A repeat stores the same item."""
        self._dynamodb.put_item(TableName=self._table, Item=item_of(event))

    def events_of(self, aggregate_id: str) -> Iterator[Event]:
        """The events of an aggregate in the order of its versions; none if the archive does not know it."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :aggregate",
            ExpressionAttributeValues=to_item({":aggregate": aggregate_id}),
        )
        for page in pages:
            yield from map(event_of, page["Items"])


def item_of(event: Event) -> dict[str, Any]:
    """The event as an item of the table."""
    return to_item(
        {
            "pk": event.aggregate_id,
            "sk": f"{event.aggregate_version:012}#{event.event_type}.v{event.event_version}",
            **event.model_dump(),
            "data": json.dumps(event.data, ensure_ascii=False, separators=(",", ":")),
        }
    )


def event_of(item: Mapping[str, Any]) -> Event:
    """The event in an item of the table."""
    values = from_item(item)
    return Event.model_validate({**values, "data": json.loads(values["data"])})
