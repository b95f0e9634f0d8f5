"""The catalogue table: the only module of the service that knows DynamoDB.

`pk` = sku. Index `by-shelf` = shelf, place: only an active product has the two attributes, so the index holds just what
can be browsed. It leaves the outbox out.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from botocore.exceptions import ClientError

from catalog.domain.product import Category, Position, Product
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of

_INDEX = "by-shelf"


class ProductContended(TransientError):
    """Another change of the same product came first; trying again works on the changed product."""


class ProductStore:
    """Access to the catalogue table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def put_product(self, product: Product, events: list[Event]) -> None:
        """Stores the product's version with its events, as the successor of the version before it.

        Raises ProductContended when that version is not the one stored (or, for version 1, when any is).
        """
        try:
            self._dynamodb.put_item(TableName=self._table, **product_write(product, events))
        except ClientError as error:
            if condition_failed(error):
                raise ProductContended(f"{product.sku} version {product.version}") from error
            raise

    def find(self, sku: str, *, consistent: bool = False) -> Product | None:
        """The product, or None. Eventually consistent at half the price, unless a change is to be based on it."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": sku}), ConsistentRead=consistent
        )
        return _product(answer["Item"]) if "Item" in answer else None

    def pictures_of(self, sku: str) -> frozenset[str]:
        """The ids of the pictures that the product shows, as last written; none of a product that there is not."""
        answer = self._dynamodb.get_item(
            TableName=self._table,
            Key=to_item({"pk": sku}),
            ConsistentRead=True,
            ProjectionExpression="pictures",
        )
        pictures = from_item(answer.get("Item", {})).get("pictures", [])
        return frozenset(picture["picture_id"] for picture in pictures)

    def browse(
        self, shelves: Sequence[Category], limit: int, after: Position | None
    ) -> tuple[list[Product], Position | None]:
        """A page of the active products on `shelves`, shelf by shelf and by name, and the position after it.

        `after` is the position an earlier page ended at, on the first of `shelves`; the new one is None at the end.
        """
        # One more than the page holds tells whether there is a next one.
        rows = chain.from_iterable(self._on_shelf(shelf, after, limit + 1) for shelf in shelves)
        found = list(islice(rows, limit + 1))
        page = found[:limit]
        return page, Position.of(page[-1]) if len(found) > limit else None

    def _on_shelf(self, shelf: Category, after: Position | None, page_size: int) -> Iterator[Product]:
        condition, values = "shelf = :shelf", {":shelf": shelf.value}
        if after is not None and after.shelf == shelf:
            condition, values = f"{condition} AND place > :place", {**values, ":place": after.place}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            PaginationConfig={"PageSize": page_size},
        )
        for page in pages:
            yield from map(_product, page["Items"])


def product_write(product: Product, events: list[Event]) -> dict[str, Any]:
    """The put of the product's version with its events, on condition that the version before it is the one stored (or,
    for version 1, that none is)."""
    guard: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if product.version > 1:
        guard = {
            "ConditionExpression": "#version = :previous",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": to_item({":previous": product.version - 1}),
        }
    return {"Item": _item(product, events), **guard}


def _item(product: Product, events: list[Event]) -> dict[str, Any]:
    browsable = Position.of(product).model_dump(mode="json") if product.active else {}
    return to_item(
        {"pk": product.sku, **product.model_dump(mode="json"), **browsable, "outbox": outbox_of(events)}
    )


def _product(item: dict[str, Any]) -> Product:
    return Product.model_validate(from_item(item))
