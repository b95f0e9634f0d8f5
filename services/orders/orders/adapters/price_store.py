"""The prices table: the projection of the catalogue's prices, which orders are priced by.

Prices table    a product            pk = sku
"""

from typing import Any

from orders.domain.pricing import Price
from shared.dynamo import to_item
from shared.versioned_table import VersionedTable


class PriceStore:
    """Access to the prices table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def record(self, price: Price) -> bool:
        """Stores the price unless a newer one is known; says whether it did.

        The version is the product's own and may skip some, so any newer one replaces it, and not the next one alone.
        """
        put = {
            "TableName": self._table.name,
            "Item": to_item({"pk": price.sku, **price.model_dump()}),
            "ConditionExpression": "attribute_not_exists(pk) OR #version < :version",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": to_item({":version": price.version}),
        }
        return self._table.write_one({"Put": put}) is not None

    def prices_of(self, skus: set[str]) -> dict[str, Price]:
        """The known prices of `skus`, by sku. The result omits unknown skus. Raises Throttled."""
        keys = ({"pk": sku} for sku in sorted(skus))
        return {price.sku: price for price in map(Price.model_validate, self._table.get_all(keys))}
