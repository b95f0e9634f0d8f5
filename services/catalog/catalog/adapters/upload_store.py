"""Uploads of pictures in the catalogue table: `pk` = `upload#<sku>#<upload id>`, which has the form of no sku."""

from datetime import datetime
from typing import Any

from catalog.domain.upload import RETENTION, Upload
from shared.dynamo import to_item
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable


class UploadStore:
    """Access to the uploads in the catalogue table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def record(self, upload: Upload, events: list[Event], *, now: datetime) -> None:
        """Stores the upload's status with its events, unless the status of a later event is stored.

        Raises WriteConflict.

        A status without an event is older than every status with one.
        """
        # The condition is on the event's time, not on a version: events arrive in any order, and the last one counts.
        guard: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(told_at)"}
        if upload.occurred_at is not None:
            guard = {
                "ConditionExpression": "attribute_not_exists(told_at) OR told_at <= :occurred_at",
                "ExpressionAttributeValues": to_item({":occurred_at": upload.occurred_at}),
            }
        item = {
            "pk": _key(upload.sku, upload.upload_id),
            **upload.model_dump(mode="json", exclude={"occurred_at"}),
            "told_at": upload.occurred_at,
            **outbox_of(events),
            "expires_at": int((now + RETENTION).timestamp()),
        }
        # A failed condition leaves the later status in place, as promised.
        self._table.write_one({"Put": {"TableName": self._table.name, "Item": to_item(item), **guard}})

    def find(self, sku: str, upload_id: str) -> Upload | None:
        """The upload's status; None if no form was signed for it, or more than 30 days ago."""
        item = self._table.get({"pk": _key(sku, upload_id)})
        return Upload.model_validate({**item, "occurred_at": item.get("told_at")}) if item else None


def _key(sku: str, upload_id: str) -> str:
    return f"upload#{sku}#{upload_id}"
