"""The users table: the only module of the service that knows DynamoDB.

`pk` = user id, the `sub` of the account. Two indexes, which a closed profile leaves:

- `by-email`: `email`, then `email_as_of`.
- `by-registration`: `register`, the same for all, then `registered` = time of registration and user id.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of
from users.domain.profile import ClosedProfile, Profile, ProfilePosition

type StoredProfile = Profile | ClosedProfile

_REGISTER = "users"
# One person changes a profile, perhaps from two devices at once.
_ATTEMPTS = 3


class ProfileContended(TransientError):
    """Others kept changing the same profile; trying again works on what they left."""


class ProfileStore:
    """Access to the users table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def add(self, profile: Profile, events: list[Event]) -> StoredProfile:
        """Stores a new profile with its events, or returns what the user has already, untouched."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(profile, events),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            refused: Any = error.response  # boto3's type leaves `Item` out
            return _stored(refused["Item"])
        return profile

    def find(self, user_id: str) -> StoredProfile | None:
        """The user's profile, as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": user_id}), ConsistentRead=True
        )
        return _stored(answer["Item"]) if "Item" in answer else None

    def change[Changed: StoredProfile](
        self,
        user_id: str,
        change: Callable[[StoredProfile | None], tuple[Changed, list[Event]]],
    ) -> Changed:
        """Applies `change` to the user's profile (None when there is none) and stores the result with its events.

        When someone else changed the profile meanwhile, `change` is applied to what they left, a few times at most.
        Raises ProfileContended after that, and whatever `change` raises.
        """
        for _ in range(_ATTEMPTS):
            existing = self.find(user_id)
            changed, events = change(existing)
            if changed == existing or self._replace(existing, changed, events):
                return changed
        raise ProfileContended(user_id)

    def of_email(self, email: str) -> Profile | None:
        """Whose address this is: of several profiles that say so, the one that learned it last.

        There are several while someone has given an address up in their account and has not been seen here since.
        """
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="by-email",
            KeyConditionExpression="email = :email",
            ExpressionAttributeValues=to_item({":email": email}),
            ScanIndexForward=False,
            Limit=1,
        )
        return next((_profile(item) for item in answer["Items"]), None)

    def newest(
        self, limit: int, after: ProfilePosition | None
    ) -> tuple[list[Profile], ProfilePosition | None]:
        """A page of profiles, newest first, from behind `after` on, and the next page's `after` if there is one."""
        start = {"ExclusiveStartKey": to_item(_key_of(after))} if after else {}
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="by-registration",
            KeyConditionExpression="#register = :register",
            ExpressionAttributeNames={"#register": "register"},
            ExpressionAttributeValues=to_item({":register": _REGISTER}),
            ScanIndexForward=False,
            # One more than is shown tells whether there is another page.
            Limit=limit + 1,
            **start,
        )
        profiles = [_profile(item) for item in answer["Items"]]
        if len(profiles) <= limit:
            return profiles, None
        last = profiles[limit - 1]
        return profiles[:limit], ProfilePosition(user_id=last.user_id, registered_at=last.registered_at)

    def _replace(self, existing: StoredProfile | None, changed: StoredProfile, events: list[Event]) -> bool:
        """Stores `changed` with its events if the profile still is `existing`; says whether it did."""
        try:
            self._dynamodb.put_item(TableName=self._table, Item=_item(changed, events), **_still(existing))
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True


def _still(existing: StoredProfile | None) -> dict[str, Any]:
    """The condition that the item is still as it was read."""
    if existing is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": to_item({":version": existing.version}),
    }


def _item(profile: StoredProfile, events: list[Event]) -> dict[str, Any]:
    item = {"pk": profile.user_id, **profile.model_dump(), "outbox": outbox_of(events)}
    if isinstance(profile, Profile):
        item |= {"register": _REGISTER, "registered": f"{profile.registered_at}#{profile.user_id}"}
    return to_item(item)


def _key_of(position: ProfilePosition) -> dict[str, str]:
    """The key in the index by-registration."""
    return {
        "pk": position.user_id,
        "register": _REGISTER,
        "registered": f"{position.registered_at}#{position.user_id}",
    }


def _stored(item: dict[str, Any]) -> StoredProfile:
    return ClosedProfile.model_validate(from_item(item)) if "deleted_at" in item else _profile(item)


def _profile(item: dict[str, Any]) -> Profile:
    return Profile.model_validate(from_item(item))
