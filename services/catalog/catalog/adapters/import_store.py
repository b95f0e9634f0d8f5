"""Applies the lines of an import, each once: one atomic write stores the product and marks the line as applied.

Imports table    an applied line   pk = job id, "#" and the chunk's number; sk = line; deleted after 30 days

Only a line that changed a product leaves a mark. A line that changed nothing may run again. If another writer changed
the product meanwhile, the line takes effect then, and the report says so.
"""

from datetime import datetime, timedelta
from typing import Any

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Product
from catalog.domain.product_import import CheckedLine, LineOutcome
from shared.dynamo import from_item, to_item
from shared.events import Event
from shared.versioned_table import VersionedTable, WriteConflict

_RETENTION = timedelta(days=30)
_MARK = 0
"""The mark's position in the transaction."""


class LineDone(Exception):
    """Another run of the same chunk has applied the line. It is no WriteConflict: a retry would fail again."""


class ImportStore:
    """Access to the imports table, and through `products` to the products that an import writes."""

    def __init__(self, dynamodb: Any, table_name: str, products: ProductStore) -> None:
        self._dynamodb = dynamodb
        self._table = VersionedTable(dynamodb, table_name)
        self._products = products

    def done(self, job_id: str, chunk: int) -> dict[int, LineOutcome]:
        """The outcomes of the chunk's lines that earlier runs applied, by line."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table.name,
            KeyConditionExpression="pk = :chunk",
            ExpressionAttributeValues=to_item({":chunk": _key(job_id, chunk)}),
            ConsistentRead=True,
        )
        marks = [from_item(item) for page in pages for item in page["Items"]]
        return {mark["sk"]: LineOutcome(mark["outcome"]) for mark in marks}

    def apply(
        self,
        line: CheckedLine,
        product: Product,
        events: list[Event],
        *,
        job_id: str,
        chunk: int,
        now: datetime,
    ) -> LineOutcome:
        """Stores the product's version that the line makes, with its events and the line's mark.

        Raises LineDone when the mark is there, and WriteConflict when another writer changed the product first.
        """
        outcome = LineOutcome.CREATED if product.version == 1 else LineOutcome.CHANGED
        mark = {
            "pk": _key(job_id, chunk),
            "sk": line.line,
            "sku": product.sku,
            "outcome": outcome.value,
            "expires_at": int((now + _RETENTION).timestamp()),
        }
        failed = self._table.write_all([self._table.new(mark), self._products.write_of(product, events)])
        if _MARK in failed:
            raise LineDone(product.sku)
        if failed:
            raise WriteConflict(f"{product.sku} version {product.version}")
        return outcome


def _key(job_id: str, chunk: int) -> str:
    return f"{job_id}#{chunk}"
