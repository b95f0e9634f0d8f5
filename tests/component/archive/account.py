"""The archive in a pretended AWS."""

from dataclasses import dataclass
from typing import Any

import boto3

from archive.adapters import event_of
from shared.events import Event
from tests.component.batches import deliver


@dataclass
class Service:
    """The deployed service."""

    context: Any
    store_events: Any

    def deliver(self, *events: Event | str) -> Any:
        """Delivers a batch to its function."""
        return deliver(self.store_events.handler, self.context, *events)

    def items(self) -> list[dict[str, Any]]:
        """All items of the table as DynamoDB has them, by key."""
        items = boto3.client("dynamodb").scan(TableName="ArchiveTable")["Items"]
        return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def events(self) -> list[Event]:
        """The events, read back from the table."""
        return [event_of(item) for item in self.items()]
