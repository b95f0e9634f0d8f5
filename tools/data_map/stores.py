"""Where personal data stand: the classes that each table holds, how long their values stay, and other places.

The kinds of a table's values come from the marks in these classes. A store that is not here may hold nothing personal,
and `make leaks` finds what it holds anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inventory.domain.stock import Movement
from jobs.domain.job import Job
from live.domain.connection import Connection
from notifications.domain.recipients import Address, ErasedAddress
from orders.domain.order import Order
from payments_sandbox.domain.intent import Intent
from shared.record import Personal
from shipping.domain.shipment import Shipment
from users.domain.profile import ClosedProfile, Profile


@dataclass(frozen=True)
class Stay:
    """How long values of one kind stay: `until`, and why they outlive their account, if they do."""

    until: str
    outlives_account: str = ""


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


_TO_THE_CLOSING = Stay("the account is closed")
_ACCOUNTING = Stay(
    "permanently",
    "Accounting keeps orders, parcels and their dates. The id alone leads to nobody once the account is gone.",
)
_TOMBSTONE = Stay("permanently", "The tombstone stops a late event or token from bringing the account back.")

TABLES = (
    Store(
        "UsersTable",
        {
            Personal.NAME: _TO_THE_CLOSING,
            Personal.MAIL_ADDRESS: _TO_THE_CLOSING,
            Personal.LANGUAGE: _TO_THE_CLOSING,
            Personal.ACCOUNT_ID: _TOMBSTONE,
            Personal.DIGEST: Stay("the hour is over", "A count of sign-ups by source belongs to no account."),
        },
        holds=(Profile, ClosedProfile),
        also={
            "pk": Personal.ACCOUNT_ID,
            "registered": Personal.ACCOUNT_ID,
            "pk of a counter": Personal.DIGEST,
        },
        publishes="users",
    ),
    Store(
        "OrdersTable",
        {
            Personal.NAME: _TO_THE_CLOSING,
            Personal.POSTAL_ADDRESS: _TO_THE_CLOSING,
            Personal.PAYMENT_TOKEN: Stay("the order is decided, or the account is closed"),
            Personal.DIGEST: _TO_THE_CLOSING,
            Personal.ACCOUNT_ID: _ACCOUNTING,
        },
        holds=(Order,),
        also={
            "pk": Personal.ACCOUNT_ID,
            "customer_status": Personal.ACCOUNT_ID,
            "parked_state.order.customer_id": Personal.ACCOUNT_ID,
        },
        publishes="orders",
    ),
    Store(
        "ShippingTable",
        {
            Personal.NAME: _TO_THE_CLOSING,
            Personal.POSTAL_ADDRESS: _TO_THE_CLOSING,
            Personal.ACCOUNT_ID: _ACCOUNTING,
        },
        holds=(Shipment,),
        also={"pk": Personal.ACCOUNT_ID, "recipient_id": Personal.ACCOUNT_ID},
        publishes="shipping",
    ),
    Store(
        "NotificationsTable",
        {
            Personal.NAME: _TO_THE_CLOSING,
            Personal.MAIL_ADDRESS: _TO_THE_CLOSING,
            Personal.LANGUAGE: _TO_THE_CLOSING,
            Personal.ACCOUNT_ID: _TOMBSTONE,
        },
        holds=(Address, ErasedAddress),
        also={"pk": Personal.ACCOUNT_ID},
    ),
    Store(
        "LiveTable",
        {
            Personal.ACCOUNT_ID: Stay(
                "30 days after the account is closed", "The feed's tombstone lets no late event in."
            )
        },
        holds=(Connection,),
        also={"pk": Personal.ACCOUNT_ID},
    ),
    Store(
        "InventoryTable",
        {Personal.ACCOUNT_ID: Stay("permanently", "The ledger of stock names the admin of each movement.")},
        holds=(Movement,),
        publishes="inventory",
    ),
    Store(
        "JobsTable",
        {Personal.ACCOUNT_ID: Stay("30 days after the job's end", "A job names the admin who requested it.")},
        holds=(Job,),
        publishes="jobs",
    ),
    Store(
        "AuditTrailTable",
        {
            Personal.ACCOUNT_ID: Stay(
                "365 days",
                "It tells which admin read or changed whose data, also after an account is closed.",
            )
        },
        also={"pk": Personal.ACCOUNT_ID, "admin_id": Personal.ACCOUNT_ID, "things.[]": Personal.ACCOUNT_ID},
    ),
    Store(
        "PaymentsSandboxTable",
        {
            Personal.PAYMENT_TOKEN: Stay(
                "permanently", "It stands for the payment provider, who has the card."
            )
        },
        holds=(Intent,),
        also={
            "body.payment_method": Personal.PAYMENT_TOKEN,
            "body.error.payment_intent.payment_method": Personal.PAYMENT_TOKEN,
        },
    ),
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
            Personal.MAIL_ADDRESS: Stay("it is sent", "A mail that was sent is its reader's."),
            Personal.NAME: Stay("it is sent", "A mail about an order greets its reader by name."),
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
                "7 days after the job's end", "An export names the customer of each order by id."
            )
        },
        also={"content": Personal.ACCOUNT_ID, "content.customer_id": Personal.ACCOUNT_ID},
    ),
    Store(
        "queue NotificationsRecordFeedbackQueue",
        {
            Personal.MAIL_ADDRESS: Stay(
                "it is read: 4 days, and 14 as a dead letter", "SES reports on a mail by its address."
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
