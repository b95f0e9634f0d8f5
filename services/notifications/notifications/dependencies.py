"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from notifications.adapters.address_book import AddressBook
from notifications.adapters.mailer import Mailer
from notifications.domain.occasions import Address
from shared.aws import client
from shared.environment import LambdaEnvironment


class NotificationsTable(LambdaEnvironment):
    """Names the table of users' addresses."""

    table_name: str


class IdempotencyTable(LambdaEnvironment):
    """Names the table of the mails that went out."""

    idempotency_table_name: str


class Sender(LambdaEnvironment):
    """Says from which address mail is sent, and with which of SES's configuration sets."""

    mail_sender: str
    mail_configuration_set: str


class Operators(LambdaEnvironment):
    """Says where mail to whoever runs the shop goes, and in which language (a BCP 47 tag)."""

    operators_mail: str
    operators_locale: str


@cache
def address_book() -> AddressBook:
    """The projection of users' addresses."""
    return AddressBook(client("dynamodb"), NotificationsTable.load().table_name)


@cache
def mailer() -> Mailer:
    """The way out to SES."""
    sender = Sender.load()
    return Mailer(client("sesv2"), sender.mail_sender, sender.mail_configuration_set)


def operators() -> Address:
    """Where mail to whoever runs the shop goes now."""
    environment = Operators.load()
    return address_book().operators(environment.operators_mail, environment.operators_locale)
