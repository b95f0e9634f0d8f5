"""The rules of a user, without AWS: what a sign-up must say, and what a profile is.

A profile begins once: at sign-up, or when someone who signed up elsewhere first asks for it. Both ways make the same
version 1 with the same event id, so that whoever comes second changes nothing.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from shared.clock import timestamp
from shared.events import Event

DEFAULT_LOCALE = "en"


def _lowered(address: str) -> str:
    # The user pool ignores case in user names, so the profile must not keep two spellings of one account apart.
    return address.lower()


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must have no control characters")
    return text


EmailAddress = Annotated[
    str,
    # The longest address that fits an SMTP path: RFC 5321, section 4.5.3.1.3.
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s.]+$"),
    AfterValidator(_printable),
    AfterValidator(_lowered),
    Field(examples=["ada@example.com"]),
]
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_printable),
    Field(examples=["Ada Lovelace"]),
]
Locale = Annotated[
    str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$", description="Language of mails", examples=["en", "de-AT"])
]


class SignUp(BaseModel):
    """What someone says who signs up. The password is never shown, stored or logged here; the user pool judges it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: EmailAddress
    password: Annotated[SecretStr, Field(min_length=1, max_length=256)]
    name: PersonName
    locale: Locale = DEFAULT_LOCALE


class Profile(BaseModel):
    """A user as the shop knows them; `user_id` is the `sub` of their account in the user pool."""

    model_config = ConfigDict(frozen=True)

    user_id: str
    email: str
    name: str
    locale: str
    registered_at: str
    version: int

    @classmethod
    def register(
        cls, user_id: str, *, email: str, name: str, locale: str, correlation_id: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """A new profile and its `user.registered`.

        A missing name becomes the part of the address before the @, a missing locale the default.
        """
        profile = cls(
            user_id=user_id,
            email=email.lower(),
            name=name or email.partition("@")[0],
            locale=locale or DEFAULT_LOCALE,
            registered_at=timestamp(now),
            version=1,
        )
        registered = Event.of(
            "user.registered",
            aggregate_id=user_id,
            aggregate_version=profile.version,
            occurred_at=now,
            correlation_id=correlation_id,
            data=profile.model_dump(include={"user_id", "email", "name", "locale"}),
        )
        return profile, [registered]
