"""Applies an import's lines, each once: the product and the mark that its line is done are one atomic write.

Imports table    a line that is done   pk = job id, "#" and the chunk's number; sk = line; forgotten after 30 days

Only lines that changed something leave a mark. A line that changed nothing may be looked at again: if somebody changed
the product meanwhile, then it takes effect then, and is reported so.
"""

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from catalog.adapters.product_store import ProductContended, product_write
from catalog.domain.product import Product
from catalog.domain.product_import import CheckedLine, LineOutcome
from shared.dynamo import from_item, to_item
from shared.errors import TransientError
from shared.events import Event

_REMEMBERED_FOR = timedelta(days=30)
_FAILED = "ConditionalCheckFailed"


class LineDone(Exception):
    """Another run of the same chunk has applied the line."""


class ImportStore:
    """Access to the imports table, and to the catalogue's for what an import writes."""

    def __init__(self, dynamodb: Any, table_name: str, products_table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._products = products_table_name

    def done(self, job_id: str, chunk: int) -> dict[int, LineOutcome]:
        """What the chunk's lines came to that were applied before, by line."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
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

        Raises LineDone when the mark is there, ProductContended when another change of the product came first, and
        TransientError for whatever else DynamoDB cancels a transaction for.
        """
        outcome = LineOutcome.CREATED if product.version == 1 else LineOutcome.CHANGED
        mark = {
            "pk": _key(job_id, chunk),
            "sk": line.line,
            "sku": product.sku,
            "outcome": outcome.value,
            "expires_at": int((now + _REMEMBERED_FOR).timestamp()),
        }
        try:
            self._dynamodb.transact_write_items(
                TransactItems=[
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": to_item(mark),
                            "ConditionExpression": "attribute_not_exists(pk)",
                        }
                    },
                    {"Put": {"TableName": self._products, **product_write(product, events)}},
                ]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            self._tell(error, product)
        return outcome

    def _tell(self, error: ClientError, product: Product) -> None:
        details: Any = error.response
        reasons = [reason.get("Code") for reason in details.get("CancellationReasons", [])]
        if reasons[:1] == [_FAILED]:
            raise LineDone(product.sku) from error
        if reasons[1:] == [_FAILED]:
            raise ProductContended(f"{product.sku} version {product.version}") from error
        raise TransientError(f"{product.sku}: {reasons}") from error


def _key(job_id: str, chunk: int) -> str:
    return f"{job_id}#{chunk}"
