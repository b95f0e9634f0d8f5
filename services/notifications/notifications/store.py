"""The service's tables: the only module of the service that knows DynamoDB.

Notifications table, the projection of users' addresses: `pk` = user id.
Idempotency table, the events whose mail went out: `pk` = a hash of the event id; records expire by `expires_at`.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from notifications.domain import Address
from shared.dynamo import condition_failed, from_item, to_item

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer


class AddressBook:
    """Access to the projection of users' addresses."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, address: Address) -> bool:
        """Stores the address unless one of the same or a newer version is known; says whether it did."""
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

    def address_of(self, user_id: str) -> Address | None:
        """The latest address told of, or None while the user's registration has not arrived."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": user_id}), ConsistentRead=True
        )
        return Address.model_validate(from_item(answer["Item"])) if "Item" in answer else None


def sent_mails(dynamodb: Any, table_name: str) -> "DynamoDBPersistenceLayer":
    """The records of the mails that went out, for the Powertools idempotency utility."""
    # Imported where it is used: the projection of addresses needs none of it, nor its share of the cold start.
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415

    return DynamoDBPersistenceLayer(
        table_name=table_name, key_attr="pk", expiry_attr="expires_at", boto3_client=dynamodb
    )
