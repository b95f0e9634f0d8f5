"""Products in the catalogue table.

`pk` = sku. Index `by-shelf` = shelf, place: only an active product has the two attributes, so the index holds only
products that can be browsed. The index leaves the outbox out.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from catalog.domain.product import Category, Position, Product
from shared.dynamo import from_item, to_item
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable, Write

_INDEX = "by-shelf"


class ProductStore:
    """Access to the catalogue table's products."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = VersionedTable(dynamodb, table_name)

    def add(self, product: Product, events: list[Event]) -> bool:
        """Stores a first version with its events; False if the sku is taken.

        Raises WriteConflict when a transaction is at the product.
        """
        return self._table.put_new(_item(product, events)) is None

    def put_product(self, product: Product, events: list[Event]) -> None:
        """Stores the product's version with its events, as the successor of the version before it.

        Raises WriteConflict when another version is stored (or, for version 1, when any version is).
        """
        self._table.put(_item(product, events), replaces=product.version - 1)

    def put_if_unchanged(self, product: Product, events: list[Event]) -> bool:
        """As `put_product`, but says whether the version before it was still the stored one.

        Raises WriteConflict when a transaction is at the product.
        """
        return self._table.put_if(_item(product, events), replaces=product.version - 1)

    def write_of(self, product: Product, events: list[Event]) -> Write:
        """The write that `put_product` makes, to be part of a transaction."""
        return self._table.successor(_item(product, events), replaces=product.version - 1)

    def find(self, sku: str, *, consistent: bool = False) -> Product | None:
        """The product, or None.

        The read is eventually consistent at half the price. A change must be based on a `consistent` read.
        """
        answer = self._dynamodb.get_item(
            TableName=self._table.name, Key=to_item({"pk": sku}), ConsistentRead=consistent
        )
        return _product(answer["Item"]) if "Item" in answer else None

    def picture_ids_of(self, sku: str) -> frozenset[str]:
        """The ids of the pictures that the product shows, as last written; none for an unknown product."""
        answer = self._dynamodb.get_item(
            TableName=self._table.name,
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

        `after` is the position at which an earlier page ended, on the first of `shelves`. The new position is None
        at the end.
        """
        # One product more than the page holds proves a next page.
        rows = chain.from_iterable(self._on_shelf(shelf, after, limit + 1) for shelf in shelves)
        found = list(islice(rows, limit + 1))
        products = [Product.model_validate(item) for item in found[:limit]]
        # The stored position, since an older rule may have given the product its place.
        return products, Position.model_validate(found[limit - 1]) if len(found) > limit else None

    def renew_places(self) -> int:
        """Gives each browsable product the place that its name has by the present rule; returns how many moved.

        Versions and events stay as they are. A change by an admin or an import meanwhile stores the new place itself.
        """
        renewed = 0
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table.name,
            FilterExpression="attribute_exists(place)",
            ConsistentRead=True,
        )
        for item in (from_item(item) for page in pages for item in page["Items"]):
            place = Position.of(Product.model_validate(item)).place
            if place != item["place"]:
                renewed += self._put_at(place, item)
        return renewed

    def _put_at(self, place: str, item: dict[str, Any]) -> bool:
        write = self._table.update(
            {"pk": item["pk"]},
            "SET place = :place",
            {":place": place, ":version": item["version"], ":before": item["place"]},
            condition="version = :version AND place = :before",
        )
        return self._table.write_one(write) is not None

    def _on_shelf(self, shelf: Category, after: Position | None, page_size: int) -> Iterator[dict[str, Any]]:
        condition, values = "shelf = :shelf", {":shelf": shelf.value}
        if after is not None and after.shelf == shelf:
            condition, values = f"{condition} AND place > :place", {**values, ":place": after.place}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table.name,
            IndexName=_INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            PaginationConfig={"PageSize": page_size},
        )
        for page in pages:
            yield from map(from_item, page["Items"])


def _item(product: Product, events: list[Event]) -> dict[str, Any]:
    browsable = Position.of(product).model_dump(mode="json") if product.active else {}
    return {"pk": product.sku, **product.model_dump(mode="json"), **browsable, **outbox_of(events)}


def _product(item: dict[str, Any]) -> Product:
    return Product.model_validate(from_item(item))
