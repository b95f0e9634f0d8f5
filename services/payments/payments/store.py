"""The payments table: the only module of the service that knows DynamoDB.

`pk` = order id, one payment an order. Keys are as many as orders, so none is hot.
"""

from typing import Any

from botocore.exceptions import ClientError

from payments.domain import Payment
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of


class PaymentContended(TransientError):
    """Another change of the same payment came first; trying again works on the changed payment."""


class PaymentStore:
    """Access to the payments table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def find(self, order_id: str) -> Payment | None:
        """The order's payment, as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": order_id}), ConsistentRead=True
        )
        return Payment.model_validate(from_item(answer["Item"])) if "Item" in answer else None

    def add(self, payment: Payment) -> Payment:
        """Stores the order's first payment record; raises PaymentContended when it has one."""
        self._write(payment, [], ConditionExpression="attribute_not_exists(pk)")
        return payment

    def save(self, payment: Payment, events: list[Event] | None = None) -> Payment:
        """Stores the next version of a payment with its events; raises PaymentContended unless it is the next."""
        self._write(
            payment,
            events or [],
            ConditionExpression="#version = :previous",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues=to_item({":previous": payment.version - 1}),
        )
        return payment

    def _write(self, payment: Payment, events: list[Event], **condition: Any) -> None:
        item = {"pk": payment.order_id, **payment.model_dump(mode="json", exclude_none=True)}
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=to_item({**item, "outbox": outbox_of(events)}), **condition
            )
        except ClientError as error:
            if condition_failed(error):
                raise PaymentContended(payment.order_id) from error
            raise
