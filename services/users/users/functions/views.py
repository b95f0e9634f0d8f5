"""What the users API answers with."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from shared.clock import timestamp
from users.adapters.accounts import Account
from users.domain.profile import Profile

Moment = Annotated[str, Field(description="RFC 3339, UTC", examples=["2026-11-21T10:15:00.000Z"])]


class ProfileView(BaseModel):
    """A profile as its owner and admins see it."""

    user_id: Annotated[str, Field(examples=["0b6d1f3a-52c1-4f0e-8a8e-5f6f3a1c9d27"])]
    email: Annotated[str, Field(examples=["ada@example.com"])]
    name: Annotated[str, Field(examples=["Ada Lovelace"])]
    locale: Annotated[str, Field(examples=["de-AT"])]
    registered_at: Moment

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The view of `profile`."""
        return cls.model_validate(profile.model_dump(include=set(cls.model_fields)))


class ProfilePage(BaseModel):
    """A page of profiles, newest first; `next` is the cursor of the following page, null on the last."""

    users: list[ProfileView]
    next: str | None = None


class SignInView(BaseModel):
    """The account that somebody signs in with, as Amazon Cognito keeps it. It keeps the password as a hash alone."""

    status: Annotated[str, Field(examples=["CONFIRMED"])]
    enabled: bool
    created_at: Moment
    changed_at: Moment
    attributes: Annotated[
        dict[str, str], Field(examples=[{"email": "ada@example.com", "email_verified": "true"}])
    ]
    mfa: Annotated[list[str], Field(description="Second factors set up", examples=[["SOFTWARE_TOKEN_MFA"]])]
    preferred_mfa: Annotated[str, Field(description="The one asked for; empty when none is")]
    groups: Annotated[list[str], Field(examples=[["customer"]])]

    @classmethod
    def of(cls, account: Account, groups: list[str]) -> Self:
        """The view of `account`, which is in `groups`."""
        return cls(
            status=account.status,
            enabled=account.enabled,
            created_at=timestamp(account.created_at),
            changed_at=timestamp(account.changed_at),
            attributes=account.attributes,
            mfa=account.mfa,
            preferred_mfa=account.preferred_mfa,
            groups=sorted(groups),
        )


class RecordsLink(BaseModel):
    """Where more of what the shop keeps about the person is read, with the person's own token."""

    what: Annotated[str, Field(examples=["orders, with their shipping addresses"])]
    href: Annotated[str, Field(examples=["/orders"])]


class ExportView(BaseModel):
    """All that the shop keeps about a person; `sign_in` is null when the account is gone."""

    exported_at: Moment
    profile: ProfileView
    sign_in: SignInView | None
    elsewhere: list[RecordsLink]
