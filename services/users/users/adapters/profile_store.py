"""The users table.

`pk` = user id, the `sub` of the account. A closed profile is in neither of the two indexes:

- `by-email`: `email`, then `email_as_of`.
- `by-registration`: `register`, the same for all, then `registered` = time of registration and user id.
"""

from collections.abc import Callable
from typing import Any

from shared.dynamo import from_item, to_item
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable, retry_on_conflict
from users.domain.profile import ClosedProfile, Profile, ProfilePosition

type StoredProfile = Profile | ClosedProfile

_REGISTER = "users"


class ProfileStore:
    """Access to the users table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = VersionedTable(dynamodb, table_name)

    def add(self, profile: Profile, events: list[Event]) -> StoredProfile:
        """Stores a new profile with its events, or returns the profile that the user has already, untouched."""
        existing = self._table.put_new(_item(profile, events))
        return _stored(existing) if existing else profile

    def find(self, user_id: str) -> StoredProfile | None:
        """The user's profile, as last written, or None."""
        item = self._table.get({"pk": user_id})
        return _stored(item) if item else None

    def put(self, profile: StoredProfile, events: list[Event], *, replaces: int) -> None:
        """Stores the successor of the profile's version `replaces` with its events; 0: the user has no profile yet.

        Raises WriteConflict when another version is stored.
        """
        self._table.put(_item(profile, events), replaces=replaces)

    def change[Changed: StoredProfile](
        self,
        user_id: str,
        change: Callable[[StoredProfile | None], tuple[Changed, list[Event]]],
    ) -> Changed:
        """Applies `change` to the user's profile (None if there is none) and stores the result with its events.

        Another writer may change the profile meanwhile. Then `change` is applied to the new version, a few times at
        most. Raises WriteConflict after that, and any exception of `change`.
        """

        def attempt() -> Changed:
            existing = self.find(user_id)
            changed, events = change(existing)
            if changed != existing:
                self.put(changed, events, replaces=existing.version if existing else 0)
            return changed

        return retry_on_conflict(attempt)

    def of_email(self, email: str) -> Profile | None:
        """The profile with this address, or None; of several, the one that took the address over last.

        Several profiles show one address if its earlier owner gave it up in the account and did not return since.
        """
        answer = self._dynamodb.query(
            TableName=self._table.name,
            IndexName="by-email",
            KeyConditionExpression="email = :email",
            ExpressionAttributeValues=to_item({":email": email}),
            ScanIndexForward=False,
            Limit=1,
        )
        return next((_profile(from_item(item)) for item in answer["Items"]), None)

    def newest(
        self, limit: int, after: ProfilePosition | None
    ) -> tuple[list[Profile], ProfilePosition | None]:
        """A page of profiles after the position `after`, newest first, and the next page's position or None."""
        start = {"ExclusiveStartKey": to_item(_key_of(after))} if after else {}
        answer = self._dynamodb.query(
            TableName=self._table.name,
            IndexName="by-registration",
            KeyConditionExpression="#register = :register",
            ExpressionAttributeNames={"#register": "register"},
            ExpressionAttributeValues=to_item({":register": _REGISTER}),
            ScanIndexForward=False,
            # One profile more than the page holds proves a next page.
            Limit=limit + 1,
            **start,
        )
        profiles = [_profile(from_item(item)) for item in answer["Items"]]
        if len(profiles) <= limit:
            return profiles, None
        last = profiles[limit - 1]
        return profiles[:limit], ProfilePosition(user_id=last.user_id, registered_at=last.registered_at)


def _item(profile: StoredProfile, events: list[Event]) -> dict[str, Any]:
    item = {"pk": profile.user_id, **profile.model_dump(), **outbox_of(events)}
    if isinstance(profile, Profile):
        item |= {"register": _REGISTER, "registered": f"{profile.registered_at}#{profile.user_id}"}
    return item


def _key_of(position: ProfilePosition) -> dict[str, str]:
    """The position's key in the index by-registration."""
    return {
        "pk": position.user_id,
        "register": _REGISTER,
        "registered": f"{position.registered_at}#{position.user_id}",
    }


def _stored(item: dict[str, Any]) -> StoredProfile:
    return ClosedProfile.model_validate(item) if "deleted_at" in item else _profile(item)


def _profile(item: dict[str, Any]) -> Profile:
    return Profile.model_validate(item)
