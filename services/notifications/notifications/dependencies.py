"""Wires the service's functions, once per execution environment, from the environment variables."""

from functools import cache

from notifications.adapters.address_book import AddressBook
from notifications.adapters.mailer import Mailer
from notifications.adapters.sent_mails import SentMails
from notifications.adapters.templates import Templates
from notifications.domain.recipients import Address
from shared.aws import client
from shared.environment import LambdaEnvironment


class NotificationsTable(LambdaEnvironment):
    """The name of the table of users' addresses."""

    table_name: str


class IdempotencyTable(LambdaEnvironment):
    """The name of the table of sent mails."""

    idempotency_table_name: str


class Sender(LambdaEnvironment):
    """The address that mail is sent from, empty if there is none, and SES's configuration set."""

    mail_sender: str
    mail_configuration_set: str


class Operators(LambdaEnvironment):
    """The operators' mail address, and the locale of their mails (a BCP 47 tag)."""

    operators_mail: str
    operators_locale: str


@cache
def address_book() -> AddressBook:
    """The projection of users' addresses."""
    return AddressBook(client("dynamodb"), NotificationsTable.load().table_name)


@cache
def mailer() -> Mailer | None:
    """The client of SES, or None if the shop has no sender."""
    sender = Sender.load()
    if not sender.mail_sender:
        return None
    return Mailer(client("sesv2"), sender.mail_sender, sender.mail_configuration_set)


@cache
def templates() -> Templates:
    """The words and the layout of mails."""
    return Templates()


@cache
def sent_mails() -> SentMails:
    """The record of sent mails."""
    return SentMails(client("dynamodb"), IdempotencyTable.load().idempotency_table_name)


def operators() -> Address:
    """The operators' address, with its suppression as it is stored now."""
    environment = Operators.load()
    return address_book().operators(environment.operators_mail, environment.operators_locale)
