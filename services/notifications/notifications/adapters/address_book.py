"""The service's tables: the only module of the service that knows DynamoDB.

Notifications table, the projection of users' addresses: `pk` = user id; of an erased user, only that they were. The
last address of a user that must get no more mail stands in the same item (`suppressed_email`, `suppressed_because`,
`suppressed_at`), so that it goes with the rest at their erasure; that of the operators under `pk` = `operators`.
Idempotency table, the events whose mail went out: `pk` = a hash of the event id; records expire by `expires_at`.
"""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from notifications.domain.delivery import Suppression
from notifications.domain.occasions import OPERATORS, Address, AddressUnknown, ErasedAddress
from shared.dynamo import condition_failed, from_item, to_item

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer


class AddressBook:
    """Access to the projection of users' addresses."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, address: Address | ErasedAddress) -> bool:
        """Stores the address, or that it was erased, unless as new a version is known; says whether it did.

        An erasure replaces the whole item. A change leaves the mark of a suppressed address there: it is about that
        address alone, and still true if the user ever goes back to it.
        """
        unless_known = "attribute_not_exists(pk) OR #version < :version"
        try:
            if isinstance(address, ErasedAddress):
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=to_item({"pk": address.user_id, **address.model_dump()}),
                    ConditionExpression=unless_known,
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues=to_item({":version": address.version}),
                )
            else:
                values = address.model_dump(exclude={"suppressed_email"})
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=to_item({"pk": address.user_id}),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                    ConditionExpression=unless_known,
                    ExpressionAttributeNames={f"#{name}": name for name in values},
                    ExpressionAttributeValues=to_item({f":{name}": value for name, value in values.items()}),
                )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def address_of(self, user_id: str) -> Address | ErasedAddress | None:
        """The latest address told of, or that it was erased; None while the user's registration has not arrived."""
        item = self._item(user_id)
        if not item:
            return None
        return (ErasedAddress if "erased_at" in item else Address).model_validate(item)

    def operators(self, email: str, locale: str) -> Address:
        """The operators' address `email`, with what is known of it."""
        suppressed = self._item(OPERATORS).get("suppressed_email")
        return Address(
            user_id=OPERATORS, email=email, name="", locale=locale, version=0, suppressed_email=suppressed
        )

    def suppress(self, recipient_id: str, suppression: Suppression) -> bool:
        """Marks an address of a user, or of the operators, as one that must get no more mail; again is harmless.

        Says False, and marks nothing, when the user has another address by now or was erased. Raises AddressUnknown
        while their registration has not arrived.
        """
        key = to_item({"pk": recipient_id})
        only_if = {} if recipient_id == OPERATORS else {"ConditionExpression": "email = :email"}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=(
                    "SET suppressed_email = :email, suppressed_because = :because, suppressed_at = :at"
                ),
                ExpressionAttributeValues=to_item(
                    {f":{name}": value for name, value in suppression.model_dump().items()}
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **only_if,
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            if "Item" not in error.response:
                raise AddressUnknown(recipient_id) from error
            return False
        return True

    def _item(self, key: str) -> dict[str, Any]:
        answer = self._dynamodb.get_item(TableName=self._table, Key=to_item({"pk": key}), ConsistentRead=True)
        return from_item(answer.get("Item", {}))


def sent_mails(dynamodb: Any, table_name: str) -> "DynamoDBPersistenceLayer":
    """The records of the mails that went out, for the Powertools idempotency utility."""
    # Imported where it is used: the projection of addresses needs none of it, nor its share of the cold start.
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415

    return DynamoDBPersistenceLayer(
        table_name=table_name, key_attr="pk", expiry_attr="expires_at", boto3_client=dynamodb
    )
