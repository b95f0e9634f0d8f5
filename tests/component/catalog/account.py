"""The catalogue in a pretended account: its API as clients meet it, and what is stored behind it."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Category, Product, ProductDetails
from shared.money import Money
from tests.component.rest_events import claims_of, json_body, rest_event

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
ADMIN = claims_of("u-admin", groups="admin")
CUSTOMER = claims_of("u-customer", groups="customer")
BUCKET = "pictures"

_STORED = ("sku", "name", "description", "category", "price", "active", "version", "changed_at", "pictures")


def details(sku: str, **changes: Any) -> ProductDetails:
    """What the shop says of a product."""
    fields: dict[str, Any] = {
        "sku": sku,
        "name": sku.title(),
        "description": "Good.",
        "category": Category.TEA,
        "price": Money(amount=790, currency="EUR"),
    }
    return ProductDetails(**{**fields, **changes})


def change(**changes: Any) -> dict[str, Any]:
    """The body of a change."""
    body = {
        "name": "Assam",
        "description": "Malty.",
        "category": "tea",
        "price": {"amount": 790, "currency": "EUR"},
        "active": True,
    }
    return body | changes


def new_product(sku: str = "TEA-1", **changes: Any) -> dict[str, Any]:
    """The body that adds a product."""
    return change(sku=sku, **changes)


class CatalogAccount:
    """The API, called with whatever claims a test chooses, and the store that the shop is filled through."""

    def __init__(self, store: ProductStore, context: Any) -> None:
        self.store = store
        self._context = context

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        claims: dict[str, str] | None = ADMIN,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The answer to a request, by default an admin's."""
        from catalog.functions.api import handler

        event = rest_event(method, path, body=body, query=query, headers=headers, claims=claims)
        return handler(event, self._context)

    def get(self, path: str, *, headers: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        """The answer to a request of anyone."""
        return self.send("GET", path, claims=None, headers=headers, query=query or None)

    def sell(self, sku: str, **changes: Any) -> Product:
        """Puts a product on sale."""
        product, events = Product.introduce(details(sku, **changes), correlation_id="c-1", now=NOW)
        self.store.put_product(product, events)
        return product

    def revise(self, product: Product, **changes: Any) -> Product:
        """Changes a product."""
        changed = ProductDetails(**{**product.model_dump(), **changes})
        revised, events = product.revise(changed, correlation_id="c-2", now=NOW)
        self.store.put_product(revised, events)
        return revised

    def tell(self, *events: dict[str, Any]) -> list[str]:
        """Hands events to the consumer of pictures' outcomes; the ids of the messages that are to come again."""
        from catalog.functions.record_pictures import handler

        records = [
            {"messageId": event["event_id"], "body": json.dumps(event), "eventSource": "aws:sqs"}
            for event in events
        ]
        try:
            answer = handler({"Records": records}, self._context)
        except (
            BatchProcessingError
        ):  # nothing of the batch succeeded: the function itself fails, and all comes again
            return [record["messageId"] for record in records]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def pages(self, **query: str) -> list[list[str]]:
        """The skus of every page, following `next` to the end."""
        pages: list[list[str]] = []
        for _ in range(20):
            page = json_body(self.send("GET", "/products", claims=None, query=query))
            pages.append([product["sku"] for product in page["products"]])
            if page["next"] is None:
                return pages
            query["cursor"] = page["next"]
        raise AssertionError(f"the list does not end: {pages}")

    def outbox(self, sku: str) -> list[dict[str, Any]]:
        """The events that the product's last change is about to send out."""
        item = boto3.client("dynamodb").get_item(TableName="catalog", Key={"pk": {"S": sku}})["Item"]
        return [json.loads(entry["S"]) for entry in item["outbox"]["L"]]


def catalog_account(monkeypatch: pytest.MonkeyPatch, context: Any) -> CatalogAccount:
    """Makes the service's table and bucket in the present pretended account, and the service work with them."""
    boto3.client("dynamodb").create_table(
        TableName="catalog",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "shelf", "place")
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-shelf",
                "KeySchema": [
                    {"AttributeName": "shelf", "KeyType": "HASH"},
                    {"AttributeName": "place", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(_STORED)},
            }
        ],
    )
    monkeypatch.setenv("TABLE_NAME", "catalog")
    monkeypatch.setenv("PICTURES_BUCKET", BUCKET)
    from catalog import dependencies as resources
    from catalog.adapters import pictures_bucket

    resources.product_store.cache_clear()
    resources.upload_store.cache_clear()
    resources.picture_uploads.cache_clear()
    resources.picture_links.cache_clear()
    pictures_bucket._s3.cache_clear()
    return CatalogAccount(resources.product_store(), context)
