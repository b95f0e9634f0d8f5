"""Where personal data stand: the classes that each table holds, how long their values stay, and other places.

Each service's `service.toml` says it of the service's own tables; this module has the rest. The kinds of a table's
values come from the marks in these classes. A store that is not here may hold nothing personal, and `make leaks` finds
what it holds anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any

from shared.record import Personal
from tools.contracts.template import resources
from tools.services import PersonalData, Stay, services


@dataclass(frozen=True)
class Store:
    """What a table, a log or another store holds.

    `also` has the values that the marks do not show: keys and copies that only the adapter knows. `publishes` names the
    service whose events the items carry in their outbox until their next change.
    """

    name: str
    stays: Mapping[Personal, Stay]
    holds: tuple[Any, ...] = ()
    also: Mapping[str, Personal] = field(default_factory=dict)
    publishes: str = ""

    @classmethod
    def declared(cls, name: str, service: str, by: PersonalData) -> "Store":
        """A table as its service declares it; raises AttributeError or ImportError if a class does not exist."""
        return cls(
            name,
            by.stays,
            tuple(resolve_name(full) for full in by.holds),
            by.also,
            service if by.publishes else "",
        )


_TO_THE_CLOSING = Stay(until="the account is closed")

_AUDIT_TRAIL = Store(
    "AuditTrailTable",
    {
        Personal.ACCOUNT_ID: Stay(
            until="365 days",
            outlives_account="It tells which admin read or changed whose data, also after an account is closed.",
        )
    },
    also={"pk": Personal.ACCOUNT_ID, "admin_id": Personal.ACCOUNT_ID, "things.[]": Personal.ACCOUNT_ID},
)

TABLES = tuple(
    sorted(
        (
            _AUDIT_TRAIL,
            *(
                Store.declared(name, service, data)
                for service, manifest in services().items()
                for name, data in manifest.personal_data.items()
            ),
        ),
        key=lambda table: [*resources(), table.name].index(table.name),
    )
)
"""The tables that hold personal data."""

OTHERS = (
    Store(
        "Cognito",
        {
            Personal.NAME: _TO_THE_CLOSING,
            Personal.MAIL_ADDRESS: _TO_THE_CLOSING,
            Personal.LANGUAGE: _TO_THE_CLOSING,
            Personal.ACCOUNT_ID: _TO_THE_CLOSING,
        },
        also={
            "name": Personal.NAME,
            "email": Personal.MAIL_ADDRESS,
            "locale": Personal.LANGUAGE,
            "username": Personal.ACCOUNT_ID,
            "sub": Personal.ACCOUNT_ID,
        },
    ),
    Store(
        "mails",
        {
            Personal.MAIL_ADDRESS: Stay(
                until="it is sent", outlives_account="A mail that was sent is its reader's."
            ),
            Personal.NAME: Stay(
                until="it is sent", outlives_account="A mail about an order greets its reader by name."
            ),
        },
        also={
            "To.[]": Personal.MAIL_ADDRESS,
            "BodyText": Personal.NAME,
            "BodyHtml": Personal.NAME,
        },
    ),
    Store(
        "bucket JobsBucket",
        {
            Personal.ACCOUNT_ID: Stay(
                until="7 days after the job's end",
                outlives_account="An export names the customer of each order by id.",
            )
        },
        also={"content": Personal.ACCOUNT_ID, "content.customer_id": Personal.ACCOUNT_ID},
    ),
    Store(
        "queue NotificationsRecordFeedbackQueue",
        {
            Personal.MAIL_ADDRESS: Stay(
                until="it is read: 4 days, and 14 as a dead letter",
                outlives_account="SES reports on a mail by its address.",
            )
        },
        also=dict.fromkeys(
            (
                "mail.destination.[]",
                "mail.headers.[].value",
                "mail.commonHeaders.to.[]",
                "bounce.bouncedRecipients.[].emailAddress",
                "complaint.complainedRecipients.[].emailAddress",
            ),
            Personal.MAIL_ADDRESS,
        ),
    ),
)
"""Other places, all of whose values are listed."""

PSEUDONYMOUS = {
    "log": ("logs of functions and state machines, access logs of both APIs", "30 days"),
    "executions": (
        "histories of STANDARD state machines: cancellation, jobs, cleanup",
        "90 days after their end",
    ),
    "queue": ("queues and dead letters", "4 days, and 14 as a dead letter"),
}
"""Stores that name a person by the account's id alone. A key is how the names of such stores begin."""

ABSENT = {
    "password": "Only sign-up has it, in a type that shows it nowhere. Cognito has a hash.",  # nosec B105 - prose
    "second factor's secret": "The client gets it from Cognito. It never goes through the shop.",
    "signed token": "API Gateway and the authorizer of live updates check it. They pass on its claims.",
    "signed link": "The link to a file or a picture is made for one answer or mail, and is stored nowhere.",
    "card number": "The client gives it to the payment provider, and the shop gets a payment token.",
    "customer's source address": "The limit of sign-ups counts a digest of it and of the hour. No log has it.",
    "trace with personal data": "A trace records no answers. The texts of errors repeat no values.",
    "telephone number, date of birth": "No route takes one.",
}
"""What no store holds, and why."""
