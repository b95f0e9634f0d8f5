"""The catalogue in a pretended account: requests to its API, events to its consumer, and its stored items."""

import json
from datetime import UTC, datetime
from typing import Any

import boto3

from catalog.adapters.product_store import ProductStore
from catalog.domain.product import Category, Product, ProductDetails
from shared.consumer import NothingConsumed
from shared.money import Money
from tests.component.rest_events import claims_of, json_body, rest_event

NOW = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
TABLE = "CatalogTable"
ADMIN = claims_of("u-admin", groups="admin")
CUSTOMER = claims_of("u-customer", groups="customer")
BUCKET = "pictures"


def details(sku: str, **changes: Any) -> ProductDetails:
    """The details of a product."""
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
    """The API, called with the claims that a test chooses, and the store of products."""

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

    def deliver(self, *events: dict[str, Any], are_prepared: bool = True) -> list[str]:
        """Delivers events to the consumer of pictures; the ids of the messages that the queue delivers again.

        They are about uploads that the API has prepared, or that it knows nothing of.
        """
        from catalog.dependencies import upload_store
        from catalog.domain.upload import Upload
        from catalog.functions.record_pictures import handler

        for event in events if are_prepared else ():
            named = Upload(sku=event["data"]["sku"], upload_id=event["data"]["upload_id"])
            upload_store().record(named, [], now=NOW)
        records = [
            {"messageId": event["event_id"], "body": json.dumps(event), "eventSource": "aws:sqs"}
            for event in events
        ]
        try:
            answer = handler({"Records": records}, self._context)
        except NothingConsumed:  # the whole batch comes again
            return [record["messageId"] for record in records]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def dead_letters(self) -> list[tuple[dict[str, Any], str]]:
        """The events among the consumer's dead letters, each with its reason."""
        sqs: Any = boto3.client("sqs")
        answer = sqs.receive_message(
            QueueUrl=sqs.get_queue_url(QueueName="dead-letters")["QueueUrl"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        return [
            (json.loads(letter["Body"]), letter["MessageAttributes"]["reason"]["StringValue"])
            for letter in answer.get("Messages", [])
        ]

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
        """The events of the product's last change."""
        item = boto3.client("dynamodb").get_item(TableName=TABLE, Key={"pk": {"S": sku}})["Item"]
        return [json.loads(entry["S"]) for entry in item["outbox"]["L"]]
