"""The inventory table in a pretended account, as the template declares it, and what tests read from it."""

from collections import Counter
from typing import Any

from shared.dynamo import from_item

TABLE = "inventory"


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


def _index(name: str, partition_key: str, sort_key: str, projection: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition_key, "KeyType": "HASH"},
            {"AttributeName": sort_key, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": projection},
    }
