"""The orders table and the price projection: the only module of the service that knows DynamoDB.

Orders table: `pk` = order id; index `by-customer` = customer id, time of placement.
Prices table: `pk` = sku.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from orders.domain import Order, Price
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of

_BATCH_GET_LIMIT = 100


class OrderContended(TransientError):
    """Another change of the same order came first; trying again works on the changed order."""


class PricesThrottled(TransientError):
    """DynamoDB did not answer for every price asked for."""


class OrderMissing(TransientError):
    """There is no such order (any more, or yet)."""


class OrderStore:
    """Access to the orders table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def add(self, order: Order, events: list[Event]) -> Order:
        """Stores a new order with its events, or returns the one that was stored under its id before, untouched."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(order, events),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            stored: Any = error.response
            return _order(stored["Item"])
        return order

    def find(self, order_id: str) -> Order | None:
        """The order, as last written, or None."""
        item = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": order_id}), ConsistentRead=True
        )
        return _order(item["Item"]) if "Item" in item else None

    def change(self, order_id: str, change: Callable[[Order], tuple[Order, list[Event]]]) -> Order:
        """Applies `change` to the order and stores the result with its events, if nobody else changed it meanwhile.

        Raises OrderMissing, OrderContended, and whatever `change` raises.
        """
        order = self.find(order_id)
        if order is None:
            raise OrderMissing(order_id)
        changed, events = change(order)
        if changed == order:
            return order
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(changed, events),
                ConditionExpression="#version = :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=to_item({":version": order.version}),
            )
        except ClientError as error:
            if condition_failed(error):
                raise OrderContended(order_id) from error
            raise
        return changed

    def orders_of_customer(
        self, customer_id: str, limit: int, after: dict[str, str] | None
    ) -> tuple[list[Order], dict[str, str] | None]:
        """A page of the customer's orders, newest first, and the position after it (None at the end).

        `after` is the position an earlier page ended at: `placed_at` and `pk` of its last order.
        """
        start = {"ExclusiveStartKey": to_item({**after, "customer_id": customer_id})} if after else {}
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="by-customer",
            KeyConditionExpression="customer_id = :customer",
            ExpressionAttributeValues=to_item({":customer": customer_id}),
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        position = (
            {name: value for name, value in from_item(last).items() if name != "customer_id"}
            if last
            else None
        )
        return [_order(item) for item in answer["Items"]], position


class PriceStore:
    """Access to the projection of the catalogue's prices."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, price: Price) -> bool:
        """Stores the price unless a newer one is known; says whether it did."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item({"pk": price.sku, **price.model_dump()}),
                ConditionExpression="attribute_not_exists(pk) OR #version < :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=to_item({":version": price.version}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def prices_of(self, skus: set[str]) -> dict[str, Price]:
        """The known prices of up to 100 `skus`, by sku; those never heard of are absent. Raises PricesThrottled."""
        keys = [to_item({"pk": sku}) for sku in sorted(skus)]
        answer = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys[:_BATCH_GET_LIMIT]}})
        if answer.get("UnprocessedKeys"):
            raise PricesThrottled(", ".join(sorted(skus)))
        prices = [Price.model_validate(from_item(item)) for item in answer["Responses"][self._table]]
        return {price.sku: price for price in prices}


def _item(order: Order, events: list[Event]) -> dict[str, Any]:
    return to_item(
        {
            "pk": order.order_id,
            **order.model_dump(mode="json", exclude_none=True),
            "outbox": outbox_of(events),
        }
    )


def _order(item: dict[str, Any]) -> Order:
    return Order.model_validate(from_item(item))
