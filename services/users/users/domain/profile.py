"""The rules of sign-ups and profiles: their limits, and how a profile begins, changes and ends.

    (nothing) ──register──► Profile ──change, follow_account──► Profile
        └─────────close────────┴───────────close──────────────► ClosedProfile, for good

A profile begins once: at sign-up, or when a user who signed up elsewhere first asks for it. Both ways make the same
version 1 with the same event id, so the second one changes nothing. A profile also ends once. Its tombstone stays
as a proof that the user existed, and holds no personal data.
"""

from datetime import datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)

from shared.clock import timestamp
from shared.errors import Forbidden
from shared.events import Event
from shared.locales import Locale, locale_or
from shared.record import Personal
from shared.text import VISIBLE_LINE, Form
from users.domain.events import UserChanged, UserDeleted, UserFacts, UserRegistered, UserVerified

if TYPE_CHECKING:
    from pydantic import TypeAdapter

DEFAULT_LOCALE = "en"

# How long the confirmation code of a sign-up is valid:
# https://docs.aws.amazon.com/cognito/latest/developerguide/signing-up-users-in-your-app.html
CONFIRMATION_PERIOD = timedelta(hours=24)

# When a new day of Cognito's own mails begins, in UTC: https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
QUOTA_RENEWS_AT = time(9)

# An address as browsers' forms take it, with a top-level domain:
# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = Form(
    rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+$",
    "Write one mail address with its domain, as in name@example.com",
)
_MAX_NAME = 100


def _lowered(address: str) -> str:
    # The user pool ignores case in user names, so two spellings of one address must make one profile.
    return address.lower()


EmailAddress = Annotated[
    str,
    # The longest address that fits an SMTP path: RFC 5321, section 4.5.3.1.3.
    StringConstraints(strip_whitespace=True, max_length=254),
    Field(examples=["ada@example.com"]),
    _ADDRESS,
    AfterValidator(_lowered),
    Personal.MAIL_ADDRESS,
]
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_MAX_NAME),
    Field(examples=["Ada Lovelace"]),
    VISIBLE_LINE,
    Personal.NAME,
]
UserId = Annotated[
    str,
    Form(r"^[A-Za-z0-9-]{1,64}$", "Use the id of a user as the API gave it, or `me`"),
    Personal.ACCOUNT_ID,
]
ProfileLocale = Annotated[
    Locale,
    Field(description="Language of mails, a BCP 47 tag", examples=["en", "de-AT", "es-419", "zh-Hant-TW"]),
    Personal.LANGUAGE,
]


class AddressRefused(Forbidden):
    """The account has a mail address of a form that the shop does not take."""


class SignUp(BaseModel):
    """The data for signing up. The shop never shows, stores or logs the password; the user pool checks it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: EmailAddress
    password: Annotated[
        SecretStr,
        Field(min_length=1, max_length=256, examples=["Correct-horse-7-battery"]),
        Personal.PASSWORD,
    ]
    name: PersonName
    locale: ProfileLocale = DEFAULT_LOCALE


class ProfileChange(BaseModel):
    """The new name and language of a profile; both are required."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: PersonName
    locale: ProfileLocale


class ProfilePosition(BaseModel):
    """A position in the list of profiles, newest first: the last profile before it."""

    model_config = ConfigDict(frozen=True)

    user_id: UserId
    registered_at: Annotated[str, Form(r"^[0-9T:.Z-]{20,32}$", "Write a moment in RFC 3339, in UTC")]


class ClosedProfile(BaseModel):
    """The tombstone of an erased user. Ids are never given twice, so the tombstone stays permanently."""

    model_config = ConfigDict(frozen=True)

    user_id: Annotated[str, Personal.ACCOUNT_ID]
    version: int
    deleted_at: str


class Profile(BaseModel):
    """A user as the shop knows them; `user_id` is the `sub` of their account in the user pool.

    `email_as_of` is the time at which the account had this address, in seconds since 1970. It is the time of the
    sign-up, or the time when the token with this address was issued. `awaits_verification` holds until the user first
    sends a token with the verified address. A profile of an earlier release does not wait.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    user_id: Annotated[str, Personal.ACCOUNT_ID]
    email: Annotated[str, Personal.MAIL_ADDRESS]
    name: Annotated[str, Personal.NAME]
    locale: Annotated[str, Personal.LANGUAGE]
    registered_at: str
    email_as_of: int
    version: int
    awaits_verification: bool = False

    @classmethod
    def register(
        cls,
        user_id: str,
        *,
        email: str,
        name: str,
        locale: str,
        correlation_id: str,
        now: datetime,
        email_as_of: int | None = None,
        is_verified: bool = False,
    ) -> tuple[Self, list[Event]]:
        """A new profile and its `user.registered`; `email_as_of` is `now` unless given.

        If its address `is_verified` already, `user.verified` follows at once.

        An account that was made elsewhere may have any name, locale and address. The rules of a sign-up hold for them
        too. A long name is cut, and a name that they refuse becomes the part of the address before the @. An invalid
        locale becomes the default. Raises AddressRefused.
        """
        address = _accepted(EmailAddress, email)
        if address is None:
            raise AddressRefused(
                f"The shop cannot use your account's mail address. {_ADDRESS.allowed}, in Amazon Cognito."
            )
        profile = cls(
            user_id=user_id,
            email=address,
            name=_accepted(PersonName, " ".join(name.split())[:_MAX_NAME]) or address.partition("@")[0],
            locale=locale_or(DEFAULT_LOCALE, locale),
            registered_at=timestamp(now),
            email_as_of=int(now.timestamp()) if email_as_of is None else email_as_of,
            version=1,
            awaits_verification=not is_verified,
        )
        kinds: tuple[type[UserFacts], ...] = (
            (UserRegistered, UserVerified) if is_verified else (UserRegistered,)
        )
        return profile, [profile._event(kind, correlation_id, now) for kind in kinds]

    def change(
        self, change: ProfileChange, *, correlation_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The profile after `change`, and its `user.changed`; itself and no event if nothing differs."""
        changed = self._with(change.model_dump())
        return changed, [changed._event(UserChanged, correlation_id, now)] if changed != self else []

    def follow_account(
        self, email: str, *, issued_at: int, correlation_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The profile with the verified address of a token, if the token was issued later than `email_as_of`.

        A token is valid for an hour, even if the address changes meanwhile. So an older token never brings back an
        earlier address. A token of the profile's address ends the wait for its verification. An address that a sign-up
        would refuse changes nothing.
        """
        address = _accepted(EmailAddress, email)
        if address is None or (address != self.email and issued_at <= self.email_as_of):
            return self, []
        moved: dict[str, str | int] = (
            {} if address == self.email else {"email": address, "email_as_of": issued_at}
        )
        changed = self._with({"awaits_verification": False, **moved})
        kinds: list[type[UserFacts]] = [
            *([UserChanged] if moved else []),
            *([UserVerified] if self.awaits_verification else []),
        ]
        return changed, [changed._event(kind, correlation_id, now) for kind in kinds]

    def _with(self, values: dict[str, str | int]) -> Self:
        """The next version, with these values; itself if they do not differ."""
        if self.model_copy(update=values) == self:
            return self
        return self.model_copy(update={**values, "version": self.version + 1})

    def _event(
        self,
        payload: type[UserFacts],
        correlation_id: str,
        now: datetime,
    ) -> Event:
        return Event.of(
            payload(user_id=self.user_id, email=self.email, name=self.name, locale=self.locale),
            aggregate_id=self.user_id,
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=correlation_id,
        )


def _accepted(kind: Any, text: str) -> str | None:
    """The text as a field of that kind takes it, or None."""
    try:
        return _rule_of(kind).validate_python(text)
    except ValidationError:
        return None


@cache
def _rule_of(kind: Any) -> "TypeAdapter[str]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - not every function needs it

    return TypeAdapter(kind)


def close(
    user_id: str, existing: Profile | ClosedProfile | None, *, correlation_id: str, now: datetime
) -> tuple[ClosedProfile, list[Event]]:
    """The user's tombstone, and the `user.deleted` on which every service erases its copies.

    A user without a profile is closed as well, since there is an account. Closing twice changes nothing.
    """
    if isinstance(existing, ClosedProfile):
        return existing, []
    closed = ClosedProfile(
        user_id=user_id,
        version=existing.version + 1 if existing else 1,
        deleted_at=timestamp(now),
    )
    deleted = Event.of(
        UserDeleted(user_id=user_id),
        aggregate_id=user_id,
        aggregate_version=closed.version,
        occurred_at=now,
        correlation_id=correlation_id,
    )
    return closed, [deleted]


def codes_come_again(now: datetime) -> datetime:
    """When Cognito mails codes again after it used up its mails of a day; see QUOTA_RENEWS_AT."""
    renewed = datetime.combine(now.date(), QUOTA_RENEWS_AT, now.tzinfo)
    return renewed if now < renewed else renewed + timedelta(days=1)


def is_abandoned(*, confirmed: bool, signed_up_at: datetime, now: datetime) -> bool:
    """Whether an account was never confirmed while its code was valid, and so blocks the address for its owner."""
    return not confirmed and now - signed_up_at > CONFIRMATION_PERIOD
