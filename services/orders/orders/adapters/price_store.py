"""The prices table: the projection of the catalogue's prices, which orders are priced by.

Prices table    a product            pk = sku
"""

from typing import Any

from botocore.exceptions import ClientError

from orders.domain.pricing import Price
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError

_BATCH_GET_LIMIT = 100


class PricesThrottled(TransientError):
    """DynamoDB did not answer for every price asked for."""


class PriceStore:
    """Access to the prices table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, price: Price) -> bool:
        """Stores the price unless a newer one is known; says whether it did.

        The version is the product's own and may skip some, so this is no VersionedTable: any newer one replaces it.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item({"pk": price.sku, **price.model_dump()}),
                ConditionExpression="attribute_not_exists(pk) OR #version < :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=to_item({":version": price.version}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def prices_of(self, skus: set[str]) -> dict[str, Price]:
        """The known prices of up to 100 `skus`, by sku. The result omits unknown skus. Raises PricesThrottled."""
        keys = [to_item({"pk": sku}) for sku in sorted(skus)]
        answer = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": keys[:_BATCH_GET_LIMIT]}})
        if answer.get("UnprocessedKeys"):
            raise PricesThrottled(", ".join(sorted(skus)))
        prices = [Price.model_validate(from_item(item)) for item in answer["Responses"][self._table]]
        return {price.sku: price for price in prices}
