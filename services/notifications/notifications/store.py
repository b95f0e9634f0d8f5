"""The service's tables: the only module of the service that knows DynamoDB.

Notifications table, the projection of users' addresses: `pk` = user id; of an erased user, only that they were.
Idempotency table, the events whose mail went out: `pk` = a hash of the event id; records expire by `expires_at`.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from notifications.domain import Address, ErasedAddress
from shared.dynamo import condition_failed, from_item, to_item

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer


class AddressBook:
    """Access to the projection of users' addresses."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, address: Address | ErasedAddress) -> bool:
        """Stores the address, or that it was erased, unless as new a version is known; says whether it did."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item({"pk": address.user_id, **address.model_dump()}),
                ConditionExpression="attribute_not_exists(pk) OR #version < :version",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=to_item({":version": address.version}),
            )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def address_of(self, user_id: str) -> Address | ErasedAddress | None:
        """The latest address told of, or that it was erased; None while the user's registration has not arrived."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": user_id}), ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        item = from_item(answer["Item"])
        return (ErasedAddress if "erased_at" in item else Address).model_validate(item)


def sent_mails(dynamodb: Any, table_name: str) -> "DynamoDBPersistenceLayer":
    """The records of the mails that went out, for the Powertools idempotency utility."""
    # Imported where it is used: the projection of addresses needs none of it, nor its share of the cold start.
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415

    return DynamoDBPersistenceLayer(
        table_name=table_name, key_attr="pk", expiry_attr="expires_at", boto3_client=dynamodb
    )
