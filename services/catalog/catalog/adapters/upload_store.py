"""Uploads of pictures in the catalogue table: `pk` = `upload#<sku>#<upload id>`, which no sku is like.

What is known of an upload is kept for 30 days, longer than any message about it can lie in a queue or its dead letters
(14 days each), so that one delivered late is recognised.
"""

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from catalog.domain.pictures import Upload
from shared.dynamo import condition_failed, from_item, to_item

KEPT_FOR = timedelta(days=30)


class UploadStore:
    """Access to the uploads in the catalogue table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, upload: Upload, *, now: datetime) -> None:
        """Stores what is known of the upload, unless something newer is: what an event told later, or at all."""
        guard: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(told_at)"}
        if upload.told_at is not None:
            guard = {
                "ConditionExpression": "attribute_not_exists(told_at) OR told_at <= :told_at",
                "ExpressionAttributeValues": to_item({":told_at": upload.told_at}),
            }
        item = {
            "pk": _key(upload.sku, upload.upload_id),
            **upload.model_dump(mode="json"),
            "expires_at": int((now + KEPT_FOR).timestamp()),
        }
        try:
            self._dynamodb.put_item(TableName=self._table, Item=to_item(item), **guard)
        except ClientError as error:
            if not condition_failed(error):
                raise

    def find(self, sku: str, upload_id: str) -> Upload | None:
        """What is known of the upload, or None where it was never prepared, or too long ago."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": _key(sku, upload_id)}), ConsistentRead=True
        )
        return Upload.model_validate(from_item(answer["Item"])) if "Item" in answer else None


def _key(sku: str, upload_id: str) -> str:
    return f"upload#{sku}#{upload_id}"
