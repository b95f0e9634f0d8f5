"""The shipping table: the only module of the service that knows DynamoDB. `pk` = order id, one shipment an order."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of
from shipping.domain import Shipment

# Only a creation and a cancellation of one order, and their retries, ever meet.
_ATTEMPTS = 3


class ShipmentContended(TransientError):
    """Another change of the same shipment came first; trying again works on the changed shipment."""


class ShipmentStore:
    """Access to the shipping table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def of_order(self, order_id: str) -> Shipment | None:
        """The order's shipment as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": order_id}), ConsistentRead=True
        )
        return Shipment.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def change(
        self, order_id: str, change: Callable[[Shipment | None], tuple[Shipment, list[Event]]]
    ) -> Shipment:
        """Applies `change` to the order's shipment (None when there is none) and stores the result with its events.

        When someone else changed the shipment meanwhile, `change` is applied to what they left, a few times at most.
        Raises ShipmentContended after that, and whatever `change` raises.
        """
        for _ in range(_ATTEMPTS):
            existing = self.of_order(order_id)
            changed, events = change(existing)
            if changed == existing or self._replace(existing, changed, events):
                return changed
        raise ShipmentContended(order_id)

    def _replace(self, existing: Shipment | None, changed: Shipment, events: list[Event]) -> bool:
        """Stores `changed` with its events if the shipment still is `existing`; says whether it did."""
        item = {
            "pk": changed.order_id,
            **changed.model_dump(mode="json", exclude_none=True),
            "outbox": outbox_of(events),
        }
        try:
            self._dynamodb.put_item(TableName=self._table, Item=to_item(item), **_still(existing))
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _still(existing: Shipment | None) -> dict[str, Any]:
    """The condition that the item is still as it was read."""
    if existing is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": to_item({":version": existing.version}),
    }
