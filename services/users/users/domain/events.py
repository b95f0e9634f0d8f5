"""The events that the users service publishes."""

from typing import Annotated

from shared.events import Payload
from shared.record import About, Personal

UserId = Annotated[
    str,
    About(
        description="The `sub` of the account",
        examples=["0b9f2a9e-5d53-4c43-9a3c-2f6f4b1c7d10"],
    ),
    Personal.ACCOUNT_ID,
]


class UserFacts(Payload):
    """A user, as the services that write to them need it."""

    user_id: UserId
    email: Annotated[
        str, About(description="In lower case", examples=["ada@example.com"]), Personal.MAIL_ADDRESS
    ]
    name: Annotated[str, About(examples=["Ada Lovelace"]), Personal.NAME]
    locale: Annotated[
        str,
        About(description="Language of mails, a BCP 47 tag", examples=["de-AT"]),
        Personal.LANGUAGE,
    ]


class UserRegistered(UserFacts):
    """A user signed up, or asked for their profile for the first time."""

    event_type = "user.registered"


class UserChanged(UserFacts):
    """A user's name, language or address changed; the event carries all three."""

    event_type = "user.changed"


class UserVerified(UserFacts):
    """A user signed in with the verified address for the first time: the address is theirs."""

    event_type = "user.verified"


class UserDeleted(Payload):
    """A user closed their account; every service erases its personal data of the user."""

    event_type = "user.deleted"

    user_id: UserId
