"""How inventory writes: several items in one transaction, or none, tried again while others are at the same items."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from inventory.domain.reservation import StockContended
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError

# Why DynamoDB cancels a transaction: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_CONDITION_FAILED = "ConditionalCheckFailed"
_CONTENTION = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
# A write of one item, or a whole transaction, that another transaction's presence refuses.
_IN_BETWEEN = {"TransactionConflictException", "TransactionInProgressException"}


class InventoryTable:
    """The inventory table's reads and writes by key, and its transactions."""

    def __init__(self, dynamodb: Any, name: str, retrying: Retrying | None = None) -> None:
        self.dynamodb = dynamodb
        self.name = name
        # Full jitter, at most 1.5 s in all: a step has 10 s, and the state machine comes back after StockContended.
        self._retrying = retrying or Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=wait_random_exponential(multiplier=0.05, max=0.5),
            stop=stop_after_attempt(6),
            reraise=True,
        )

    def patiently[**Arguments, Result](
        self, attempt: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """What `attempt` returns, tried again for a while when it raises a TransientError; raises the last one."""
        return self._retrying(attempt, *args, **kwargs)

    def read(self, key: str) -> dict[str, Any] | None:
        """The item, as last written, or None."""
        answer = self.dynamodb.get_item(TableName=self.name, Key=to_item({"pk": key}), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def page(
        self,
        index: str,
        partition: Mapping[str, str],
        sort_key: str,
        limit: int,
        after: str | None,
        *,
        newest_first: bool = False,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Up to `limit` items of an index's partition behind the sort key `after`, and whether there are more."""
        ((name, value),) = partition.items()
        condition, values = f"{name} = :partition", {":partition": value}
        if after is not None:
            condition += f" AND {sort_key} {'<' if newest_first else '>'} :after"
            values[":after"] = after
        # One more than the page holds tells whether there is a next one.
        items = self.dynamodb.query(
            TableName=self.name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ScanIndexForward=not newest_first,
            Limit=limit + 1,
        )["Items"]
        return [from_item(item) for item in items[:limit]], len(items) > limit

    def put_new(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """A transaction's entry that adds `item`, on condition that there is none under its key."""
        return {
            "Put": {
                "TableName": self.name,
                "Item": to_item(item),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def replace(self, item: Mapping[str, Any], *, version: int) -> dict[str, Any]:
        """A transaction's entry that puts `item` in the place of its `version`."""
        return {
            "Put": {
                "TableName": self.name,
                "Item": to_item(item),
                "ConditionExpression": "version = :before",
                "ExpressionAttributeValues": to_item({":before": version}),
            }
        }

    def update(
        self, key: str, change: str, values: Mapping[str, Any], *, condition: str | None = None
    ) -> dict[str, Any]:
        """A transaction's entry that does `change` to the item under `key`, on `condition`."""
        return {
            "Update": {
                "TableName": self.name,
                "Key": to_item({"pk": key}),
                "UpdateExpression": change,
                **({"ConditionExpression": condition} if condition else {}),
                "ExpressionAttributeValues": to_item(values),
            }
        }

    def write_all(self, entries: list[dict[str, Any]]) -> list[int]:
        """Writes all `entries` or none; returns the positions whose conditions did not hold (none: it is written).

        Raises StockContended when another transaction was at one of the items.
        """
        try:
            self.dynamodb.transact_write_items(TransactItems=entries)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _IN_BETWEEN:
                raise StockContended(str(error)) from error
            if code != "TransactionCanceledException":
                raise
            reasons: Any = error.response
            codes = [reason.get("Code") for reason in reasons["CancellationReasons"]]
            if _CONTENTION.intersection(codes):
                raise StockContended(str(error)) from error
            failed = [position for position, reason in enumerate(codes) if reason == _CONDITION_FAILED]
            if not failed:
                raise
            return failed
        return []

    def write_one(self, entry: dict[str, Any], **options: str) -> dict[str, Any] | None:
        """Writes a single entry, which has a condition, with the call's further `options`; None when that did not hold.

        Cheaper than a transaction of one. Returns the call's answer; raises StockContended when a transaction was at
        the item.
        """
        ((operation, arguments),) = entry.items()
        call = {"Put": self.dynamodb.put_item, "Update": self.dynamodb.update_item}[operation]
        try:
            answer: dict[str, Any] = call(**arguments, **options)
        except ClientError as error:
            if condition_failed(error):
                return None
            if error.response["Error"]["Code"] in _IN_BETWEEN:
                raise StockContended(str(error)) from error
            raise
        return answer
