"""What the record of an order alone has: its payment token and its address.

No event and no execution carries them, so that no queue, log or history keeps them. A step of the saga that needs one
reads it here. The policy of its function allows this one attribute.
"""

from typing import Any

from shared.dynamo import from_item, to_item
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.saga import ShippingAddress


class OrdersTable(LambdaEnvironment):
    """Names the orders table."""

    orders_table_name: str


class OrderUnknown(PermanentError):
    """There is no order with this id."""


class OrderRecord:
    """Reads single attributes of orders by their ids. Raises OrderUnknown."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def payment_token(self, order_id: str) -> str | None:
        """The order's payment token, or None: a decided order has forgotten it."""
        return self._attribute(order_id, "payment_token") or None

    def shipping_address(self, order_id: str) -> ShippingAddress | None:
        """The order's address, or None if it was erased with its customer."""
        address = self._attribute(order_id, "shipping_address")
        return ShippingAddress.model_validate(address) if address and address["name"] else None

    def _attribute(self, order_id: str, name: str) -> Any:
        """The attribute, or None. It is as old as the order, so the cheaper read mostly has it, though it may lag."""
        found: dict[str, Any] = {}
        for consistent in (False, True):
            answer = self._dynamodb.get_item(
                TableName=self._table,
                Key=to_item({"pk": order_id}),
                ProjectionExpression=f"pk, {name}",
                ConsistentRead=consistent,
            )
            found = from_item(answer.get("Item", {}))
            if name in found:
                return found[name]
        if not found:
            raise OrderUnknown(order_id)
        return None
