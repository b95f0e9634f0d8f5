"""The notifications table: the projection of users' addresses.

`pk` is the user id. An erased user's item holds only the id, the version and `erased_at`. The user's last address that
must get no more mail is in the same item (`suppressed_email`, `suppressed_because`, `suppressed_at`), so an erasure
removes it as well. The operators' suppressed address is in the item `operators`.
"""

from typing import Any

from botocore.exceptions import ClientError

from notifications.domain.feedback import Suppression
from notifications.domain.recipients import OPERATORS_ID, Address, AddressUnknown, ErasedAddress
from shared.dynamo import condition_failed, from_item, to_item


class AddressBook:
    """Access to the projection of users' addresses.

    It uses no VersionedTable: a projection takes any newer version of the user, not only the next one.
    """

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def record(self, address: Address | ErasedAddress) -> bool:
        """Stores the address or the tombstone, unless this version or a newer one is stored; returns whether it did.

        A tombstone replaces the whole item. A change of address keeps `suppressed_email`: the user may return to that
        address, and it must still get no mail then.
        """
        only_if_newer = "attribute_not_exists(pk) OR #version < :version"
        try:
            if isinstance(address, ErasedAddress):
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=to_item({"pk": address.user_id, **address.model_dump()}),
                    ConditionExpression=only_if_newer,
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues=to_item({":version": address.version}),
                )
            else:
                values = address.model_dump(exclude={"suppressed_email"})
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=to_item({"pk": address.user_id}),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
                    ConditionExpression=only_if_newer,
                    ExpressionAttributeNames={f"#{name}": name for name in values},
                    ExpressionAttributeValues=to_item({f":{name}": value for name, value in values.items()}),
                )
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def address_of(self, user_id: str) -> Address | ErasedAddress | None:
        """The user's latest address, or its tombstone; None if the registration has not arrived yet."""
        item = self._item(user_id)
        if not item:
            return None
        return (ErasedAddress if "erased_at" in item else Address).model_validate(item)

    def operators(self, email: str, locale: str) -> Address:
        """The operators' address `email`, with their suppressed address."""
        suppressed = self._item(OPERATORS_ID).get("suppressed_email")
        return Address(
            user_id=OPERATORS_ID, email=email, name="", locale=locale, version=0, suppressed_email=suppressed
        )

    def suppress(self, recipient_id: str, suppression: Suppression) -> bool:
        """Stores that an address of a user, or of the operators, must get no more mail. A repeat is harmless.

        Returns False, and stores nothing, if the user has another address now or was erased. Raises AddressUnknown if
        the user's registration has not arrived yet.
        """
        key = to_item({"pk": recipient_id})
        only_if = {} if recipient_id == OPERATORS_ID else {"ConditionExpression": "email = :email"}
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
