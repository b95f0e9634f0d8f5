"""The answers of the users API."""

from typing import Annotated, Self

from pydantic import BaseModel, Field

from shared.clock import timestamp
from users.adapters.accounts import Account
from users.domain.profile import Profile

Moment = Annotated[str, Field(description="RFC 3339, UTC", examples=["2026-11-21T10:15:00.000Z"])]


class ProfileView(BaseModel):
    """A profile as its owner and the admins see it."""

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
    """The user's account in Amazon Cognito. Cognito stores the password as a hash only."""

    status: Annotated[str, Field(examples=["CONFIRMED"])]
    enabled: bool
    created_at: Moment
    changed_at: Moment
    attributes: Annotated[
        dict[str, str], Field(examples=[{"email": "ada@example.com", "email_verified": "true"}])
    ]
    mfa: Annotated[
        list[str],
        Field(description="The second factors that the user set up", examples=[["SOFTWARE_TOKEN_MFA"]]),
    ]
    preferred_mfa: Annotated[
        str, Field(description="The second factor that sign-in asks for; empty if there is none")
    ]
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
    """A link, relative to the URL of this answer, to more of the user's data. The user's own token reads it."""

    what: Annotated[str, Field(examples=["orders, with their shipping addresses"])]
    href: Annotated[str, Field(examples=["/prod/orders"])]


class ExportView(BaseModel):
    """All data that the shop stores about a user; `sign_in` is null if there is no account."""

    exported_at: Moment
    profile: ProfileView
    sign_in: SignInView | None
    elsewhere: list[RecordsLink]
