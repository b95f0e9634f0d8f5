"""Optimistic locking: an item is written only as the successor of the version that its change was based on.

Every item has a `version` that counts its changes from 1. No writer holds a lock. A writer reads the item, changes it,
and writes it on the condition that its version is still the one that was read. The writer who comes second gets
WriteConflict, and `retry_on_conflict` starts its change over from what the first one wrote:

    def confirm(order_id: str) -> Order:
        order = read(table.get({"pk": order_id}))
        confirmed = order.confirm()
        table.put(item_of(confirmed), replaces=order.version)
        return confirmed

    retry_on_conflict(confirm, order_id)

A write of a single item can also meet a transaction that is at the item. DynamoDB then refuses it, and botocore does
not retry it. Nothing is wrong with such a write, so VersionedTable itself does it again, some times.

A request about several items may be answered in part. VersionedTable asks for the rest after a pause that grows.

The pattern: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBMapper.OptimisticLocking.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.retries import retried

# Each conflict means that another writer moved the item on. They wait 1.75 s in all at most: a saga step has 10 s.
_ATTEMPTS = 7
# A transaction takes some milliseconds. These tries take 0.35 s at most, also inside each attempt of the above.
_TRIES_OF_ONE_WRITE = 4
# The most items of one request: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
_READS_OF_ONE_REQUEST, _WRITES_OF_ONE_REQUEST = 100, 25

# Why DynamoDB cancels a transaction: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_CONDITION_FAILED = "ConditionalCheckFailed"
_CONTENTION = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
# Another transaction is at the same item.
_IN_BETWEEN = {"TransactionConflictException", "TransactionInProgressException"}

type Write = dict[str, Any]
"""One write of a transaction, in the form that TransactWriteItems takes: `{"Put": {...}}`."""


class WriteConflict(TransientError):
    """Another writer changed the item first; trying again works on what they wrote."""


class Throttled(TransientError):
    """DynamoDB did a part of a request about several items, and left out the rest again and again."""


class VersionedTable:
    """A table whose items have a `version`. `dynamodb` is a low-level client; `pk` is the table's partition key."""

    def __init__(self, dynamodb: Any, name: str) -> None:
        self.dynamodb = dynamodb
        self.name = name

    def get(self, key: Mapping[str, str], *, attributes: Sequence[str] = ()) -> dict[str, Any] | None:
        """The item under `key`, as last written, or None. With `attributes`, those alone; it costs as much."""
        answer = self.dynamodb.get_item(
            TableName=self.name, Key=to_item(key), ConsistentRead=True, **_projection(attributes)
        )
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_all(
        self, keys: Iterable[Mapping[str, str]], *, consistent: bool = False, attributes: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """The items under `keys`, in this order, without missing ones. Each request reads up to a hundred.

        With `consistent`, as last written, at twice the price. With `attributes`, those alone, which must include the
        keys. Raises Throttled.
        """
        for some in batched(keys, _READS_OF_ONE_REQUEST, strict=False):
            wanted = {
                "Keys": [to_item(key) for key in some],
                "ConsistentRead": consistent,
                **_projection(attributes),
            }
            found = {}
            for answer in self._answers(self.dynamodb.batch_get_item, wanted, "UnprocessedKeys"):
                for item in map(from_item, answer.get("Responses", {}).get(self.name, [])):
                    found[tuple(item[name] for name in some[0])] = item
            places = (tuple(key[name] for name in some[0]) for key in some)
            yield from (found[place] for place in places if place in found)

    def put_new(self, item: Mapping[str, Any]) -> dict[str, Any] | None:
        """Stores a first version, and returns None; or returns the item that has its key already, untouched.

        Raises WriteConflict when transactions stay at the item.
        """
        put = self.new(item)["Put"]
        try:
            _done(self.dynamodb.put_item, **put, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        except ClientError as error:
            if condition_failed(error):
                refused: Any = error.response  # boto3's type leaves `Item` out
                return from_item(refused["Item"])
            raise
        return None

    def put(self, item: Mapping[str, Any], *, replaces: int) -> None:
        """Stores the successor of version `replaces`; 0 stands for a new item.

        Raises WriteConflict when another version is stored, or transactions stay at the item.
        """
        if self.put_if(item, replaces=replaces):
            return
        raise WriteConflict(f"{self.name} {item['pk']}: version {replaces} is no longer the last one")

    def put_if(self, item: Mapping[str, Any], *, replaces: int) -> bool:
        """As `put`, but says whether it stored the item. Raises WriteConflict when transactions stay at the item."""
        return self.write_one(self.successor(item, replaces=replaces)) is not None

    def delete(self, key: Mapping[str, str]) -> None:
        """Deletes the item under `key`, if there is one. Raises WriteConflict when transactions stay at the item."""
        _done(self.dynamodb.delete_item, TableName=self.name, Key=to_item(key))

    def delete_all(self, keys: Iterable[Mapping[str, str]]) -> None:
        """Deletes the items under `keys`, as many as one request takes at a time. Raises Throttled."""
        for some in batched(keys, _WRITES_OF_ONE_REQUEST, strict=False):
            wanted = [{"DeleteRequest": {"Key": to_item(key)}} for key in some]
            self._answers(self.dynamodb.batch_write_item, wanted, "UnprocessedItems")

    def new(self, item: Mapping[str, Any]) -> Write:
        """A transaction's write that adds `item`, if there is none under its key."""
        return self.successor(item, replaces=0)

    def successor(self, item: Mapping[str, Any], *, replaces: int) -> Write:
        """A transaction's write that puts `item` in the place of its version `replaces`; 0: if there is none."""
        put: dict[str, Any] = {"TableName": self.name, "Item": to_item(item)}
        if replaces == 0:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(pk)"}}
        condition = {
            "ConditionExpression": "#version = :replaced",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": to_item({":replaced": replaces}),
        }
        return {"Put": {**put, **condition}}

    def absent(self, key: Mapping[str, str]) -> Write:
        """A transaction's check that no item exists under `key`."""
        check = {"Key": to_item(key), "ConditionExpression": "attribute_not_exists(pk)"}
        return {"ConditionCheck": {"TableName": self.name, **check}}

    def update(
        self,
        key: Mapping[str, str],
        expression: str,
        values: Mapping[str, Any],
        *,
        condition: str | None = None,
    ) -> Write:
        """A transaction's write that changes the item under `key` in place, on `condition`."""
        update: dict[str, Any] = {
            "TableName": self.name,
            "Key": to_item(key),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": to_item(values),
        }
        return {"Update": {**update, **({"ConditionExpression": condition} if condition else {})}}

    def write_one(self, write: Write, **options: str) -> dict[str, Any] | None:
        """Does one write by itself, with the call's further `options`: cheaper than a transaction of one.

        Returns the call's answer, or None when the write's condition did not hold. Raises WriteConflict when
        transactions stay at the item.
        """
        ((operation, arguments),) = write.items()
        call = {"Put": self.dynamodb.put_item, "Update": self.dynamodb.update_item}[operation]
        try:
            return _done(call, **arguments, **options)
        except ClientError as error:
            if condition_failed(error):
                return None
            raise

    def write_all(self, writes: Sequence[Write]) -> list[int]:
        """Does all writes, or none; returns the positions whose conditions did not hold (none: all are done).

        Raises WriteConflict when another transaction is at one of the items.
        """
        try:
            self.dynamodb.transact_write_items(TransactItems=list(writes))
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise _conflict_or(error) from error
            cancelled: Any = error.response  # boto3's type leaves the reasons out
            codes = [reason.get("Code") for reason in cancelled["CancellationReasons"]]
            if _CONTENTION.intersection(codes):
                raise WriteConflict(str(error)) from error
            failed = [position for position, code in enumerate(codes) if code == _CONDITION_FAILED]
            if not failed:
                raise
            return failed
        return []

    def _answers(
        self, call: Callable[..., dict[str, Any]], wanted: Any, left_out: str
    ) -> list[dict[str, Any]]:
        """The answers to a request for `wanted`, and then for the part that each answer has under `left_out`.

        AWS asks for a pause before that: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
        """
        answers: list[dict[str, Any]] = []

        def ask() -> None:
            nonlocal wanted
            answers.append(call(RequestItems={self.name: wanted}))
            wanted = answers[-1].get(left_out, {}).get(self.name)
            if wanted:
                raise Throttled(f"{self.name}: DynamoDB left out a part of {len(answers)} answers")

        retried(ask, on=Throttled, attempts=_ATTEMPTS)
        return answers


def retry_on_conflict[**Arguments, Result](
    attempt: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """The result of `attempt`, which starts over when it raises WriteConflict.

    Raises WriteConflict if that goes on for seven attempts, and the other exceptions of `attempt`.
    """
    return retried(lambda: attempt(*args, **kwargs), on=WriteConflict, attempts=_ATTEMPTS)


def _projection(attributes: Sequence[str]) -> dict[str, Any]:
    """A read's arguments for these attributes alone, with placeholders for reserved words; without any, for all."""
    if not attributes:
        return {}
    names = {f"#{name}": name for name in attributes}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


def _done(call: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    """The answer to `call`, which writes one item. Raises WriteConflict when each try meets a transaction."""

    def attempt() -> dict[str, Any]:
        try:
            return call(**arguments)
        except ClientError as error:
            raise _conflict_or(error) from error

    return retried(attempt, on=WriteConflict, attempts=_TRIES_OF_ONE_WRITE)


def _conflict_or(error: ClientError) -> Exception:
    """WriteConflict if `error` says that a transaction was at the item, else `error` itself."""
    return WriteConflict(str(error)) if error.response["Error"]["Code"] in _IN_BETWEEN else error
