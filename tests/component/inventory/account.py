"""The inventory table in a pretended account, as the template declares it, what tests read of it, and its accidents."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.reservation import Reservation
from shared.dynamo import from_item

TABLE = "inventory"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def make_table(dynamodb: Any, name: str = TABLE) -> None:
    """Makes an empty inventory table."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"}
            for attribute in ("pk", "listing", "sku", "ledger", "ledger_place")
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            _index("by-listing", "listing", "sku", "KEYS_ONLY"),
            _index("by-ledger", "ledger", "ledger_place", "ALL"),
        ],
    )


def items(dynamodb: Any, name: str = TABLE) -> list[dict[str, Any]]:
    """Every item of the table, as plain values."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
    return [from_item(item) for page in pages for item in page["Items"]]


def sums(dynamodb: Any, name: str = TABLE) -> tuple[dict[str, int], dict[str, int]]:
    """By sku: the sum of its movements, and what its stock item says is on hand (available and reserved)."""
    moved: Counter[str] = Counter()
    on_hand = {}
    for item in items(dynamodb, name):
        if item["pk"].startswith("movement#"):
            moved[item["sku"]] += item["quantity"]
        elif item["pk"].startswith("sku#"):
            on_hand[item["sku"]] = item["available"] + item["reserved"]
    return dict(moved), on_hand


class Interrupted:
    """DynamoDB with a callback before each of the first calls of `operation`."""

    def __init__(self, dynamodb: Any, operation: str, happenings: Sequence[Callable[[], object]]) -> None:
        self._dynamodb = dynamodb
        self._operation = operation
        self._happenings = list(happenings)
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._dynamodb, name)
        if name != self._operation:
            return call

        def interrupted(**arguments: Any) -> Any:
            self.calls += 1
            if self._happenings:
                self._happenings.pop(0)()
            return call(**arguments)

        return interrupted


def conflict() -> None:
    """Another transaction is at the item."""
    raise ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": "[None, TransactionConflict]"},
            "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
        },
        "TransactWriteItems",
    )


def stock(ledger: StockLedger, **quantities: int) -> None:
    """Receives so many pieces of each sku."""
    for sku, quantity in quantities.items():
        ledger.receive(sku, quantity, movement_id=f"first-{sku}", correlation_id="c-0", now=NOW)


def single_conflict() -> None:
    """A transaction is at the item that a write of one item is for."""
    raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem")


def levels(ledger: StockLedger, *skus: str) -> list[tuple[int, int]]:
    """(available, reserved) of each sku."""
    found = [ledger.level(sku) for sku in skus]
    return [(level.available, level.reserved) for level in found if level]


def order(order_id: str, **quantities: int) -> Reservation:
    """The reservation that an order of so many pieces asks for."""
    return Reservation.of(order_id, f"c-{order_id}", quantities.items())


def _index(name: str, partition_key: str, sort_key: str, projection: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition_key, "KeyType": "HASH"},
            {"AttributeName": sort_key, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": projection},
    }
