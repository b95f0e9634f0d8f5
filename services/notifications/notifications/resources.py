"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from notifications.mailer import Mailer
from notifications.store import AddressBook
from shared.aws import client
from shared.environment import LambdaEnvironment


class NotificationsTable(LambdaEnvironment):
    """Names the table of users' addresses."""

    table_name: str


class IdempotencyTable(LambdaEnvironment):
    """Names the table of the mails that went out."""

    idempotency_table_name: str


class Sender(LambdaEnvironment):
    """Says from which address mail is sent."""

    mail_sender: str


@cache
def address_book() -> AddressBook:
    """The projection of users' addresses."""
    return AddressBook(client("dynamodb"), NotificationsTable.load().table_name)


@cache
def mailer() -> Mailer:
    """The way out to SES."""
    return Mailer(client("sesv2"), Sender.load().mail_sender)
