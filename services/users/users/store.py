"""The users table: the only module of the service that knows DynamoDB.

`pk` = user id, the `sub` of the account.
"""

from typing import Any

from botocore.exceptions import ClientError

from shared.dynamo import condition_failed, from_item, to_item
from shared.events import Event
from shared.outbox import outbox_of
from users.domain import Profile


class ProfileStore:
    """Access to the users table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def add(self, profile: Profile, events: list[Event]) -> Profile:
        """Stores a new profile with its events, or returns the one the user has already, untouched."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item({"pk": profile.user_id, **profile.model_dump(), "outbox": outbox_of(events)}),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            refused: Any = error.response  # boto3's type leaves `Item` out
            return _profile(refused["Item"])
        return profile

    def find(self, user_id: str) -> Profile | None:
        """The user's profile, as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": user_id}), ConsistentRead=True
        )
        return _profile(answer["Item"]) if "Item" in answer else None


def _profile(item: dict[str, Any]) -> Profile:
    return Profile.model_validate(from_item(item))
