"""The orders table and the price projection: the only module of the service that knows DynamoDB.

Orders table    an order             pk = order id
                a closed account     pk = "customer#" and the customer's id: it may place nothing any more
    index by-customer                customer_id, placed_at: a customer's orders in the order of time
    index by-customer-status         customer_status = customer id, "#" and status; placed_at: those in one status
    index by-attention           attention, attention_since: see `waiting`
    index by-placement           placed_shard, placement: see `placements`
Prices table    a product            pk = sku
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from orders.adapters.attention_index import Waiting, waiting_keys
from orders.adapters.placement_index import placement_keys
from orders.domain.order import AccountClosed, Order, OrderStatus
from orders.domain.pricing import Price
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of

_BATCH_GET_LIMIT = 100

# Each lost race means that somebody else moved the order on, which happens a few times in its life.
_RACES = 6

# Where a page of orders ended: `placed_at` and `pk` of its last order.
Position = dict[str, str]


class OrderContended(TransientError):
    """Another change of the same order came first; trying again works on the changed order."""


class Throttled(TransientError):
    """DynamoDB did not answer for everything asked for."""


class PricesThrottled(Throttled):
    """DynamoDB did not answer for every price asked for."""


class OrderMissing(TransientError):
    """There is no such order (any more, or yet)."""


class OrderStore(Waiting):
    """Access to the orders table."""

    def add(self, order: Order, events: list[Event]) -> Order:
        """Stores a new order with its events, or returns the one that was stored under its id before, untouched."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=order_item(order, events),
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

    def find_for_placement(self, order_id: str, customer_id: str) -> Order | None:
        """The order that was placed under this id before, or None; raises AccountClosed for a customer who is gone.

        One request for both: it raises Throttled when DynamoDB answered half of it.
        """
        keys = [to_item({"pk": order_id}), _account_key(customer_id)]
        answer = self._dynamodb.batch_get_item(
            RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
        )
        if answer.get("UnprocessedKeys"):
            raise Throttled(order_id)
        found = {item["pk"]["S"]: item for item in answer["Responses"][self._table]}
        if _account_key(customer_id)["pk"]["S"] in found:
            raise AccountClosed("This account was deleted; it can place no orders any more.")
        return _order(found[order_id]) if order_id in found else None

    def close_account(self, customer_id: str, moment: str) -> str:
        """Refuses every placement of the customer's from now on; returns since when (`moment`, the first time)."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={**_account_key(customer_id), **to_item({"closed_at": moment})},
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            stored: Any = error.response
            return str(from_item(stored["Item"])["closed_at"])
        return moment

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
                Item=order_item(changed, events),
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
        self, customer_id: str, limit: int, after: Position | None, status: OrderStatus | None = None
    ) -> tuple[list[Order], Position | None]:
        """A page of the customer's orders, in `status` if one is given, newest first, and the position after it (None
        at the end). `after` is the position an earlier page ended at."""
        index, name, value = (
            ("by-customer", "customer_id", customer_id)
            if status is None
            else ("by-customer-status", "customer_status", _customer_status(customer_id, status))
        )
        start = {"ExclusiveStartKey": to_item({**after, name: value})} if after else {}
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#hash = :hash",
            ExpressionAttributeNames={"#hash": name},
            ExpressionAttributeValues=to_item({":hash": value}),
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        position = {key: entry for key, entry in from_item(last).items() if key != name} if last else None
        return [_order(item) for item in answer["Items"]], position


def despite_lost_races[**Arguments, Result](
    change: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """The result of `change`, which starts over when somebody else changed the order first.

    Raises OrderContended when that goes on and on, and whatever else `change` raises.
    """
    retrying = Retrying(
        retry=retry_if_exception_type(OrderContended), stop=stop_after_attempt(_RACES), reraise=True
    )
    return retrying(change, *args, **kwargs)


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


def order_item(order: Order, events: list[Event]) -> dict[str, Any]:
    """The order with its events, as it lies in the table."""
    return to_item(
        {
            "pk": order.order_id,
            "customer_status": _customer_status(order.customer_id, order.status),
            **waiting_keys(order),
            **placement_keys(order),
            **order.model_dump(mode="json", exclude_none=True),
            "outbox": outbox_of(events),
        }
    )


def _customer_status(customer_id: str, status: OrderStatus) -> str:
    return f"{customer_id}#{status.value}"


def _account_key(customer_id: str) -> dict[str, Any]:
    return to_item({"pk": f"customer#{customer_id}"})


def _order(item: dict[str, Any]) -> Order:
    return Order.model_validate(from_item(item))
