"""Mails the customer what became of an order: once per event, however often the queue delivers it.

A mail has no natural key to make it idempotent by, so the Powertools idempotency utility keeps a record per event id.
Of two deliveries at once the second fails and comes again; when the first one dies half-way, its claim ends with the
invocation's time. A failed mail leaves no record, so a redrive of the dead letters sends it.
"""

from typing import Any

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from notifications.domain import (
    ErasedAddress,
    OrderConfirmed,
    OrderRejected,
    Outcome,
    language_of,
    mail_about,
    topic_of,
)
from notifications.resources import IdempotencyTable, address_book, mailer
from notifications.store import sent_mails
from notifications.templates import DEFAULT_LANGUAGE, languages, templates_for
from shared.aws import client
from shared.consumer import consumer_handler
from shared.errors import PermanentError, TransientError
from shared.events import Event
from shared.observability import count, logger

# An event can lie in the queue for 4 days and then in the dead letters for 14; records outlive both.
_REMEMBERED_SECONDS = 30 * 24 * 60 * 60

_OUTCOMES: dict[str, type[OrderConfirmed | OrderRejected]] = {
    "order.confirmed": OrderConfirmed,
    "order.rejected": OrderRejected,
}


class AddressUnknown(TransientError):
    """The customer's registration has not arrived yet; the queue delivers the event again."""


class UnexpectedEvent(PermanentError):
    """There is no mail about events of this type; the subscription's filter lets through too much."""


_once = IdempotencyConfig(
    event_key_jmespath="event_id",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=_REMEMBERED_SECONDS,
    hash_function="sha256",
)


def notify(event: Event) -> None:
    """Sends the mail about `event` unless it was sent, or the customer was erased.

    Raises AddressUnknown, UnexpectedEvent and MailRefused.
    """
    if event.event_type not in _OUTCOMES:
        raise UnexpectedEvent(event.event_type)
    outcome = _OUTCOMES[event.event_type].model_validate(event.data)
    _send(outcome, event=event)


@idempotent_function(
    data_keyword_argument="event",
    persistence_store=sent_mails(client("dynamodb"), IdempotencyTable.load().idempotency_table_name),
    config=_once,
    key_prefix="mail",
)
def _send(outcome: Outcome, *, event: Event) -> dict[str, str]:
    address = address_book().address_of(outcome.customer_id)
    if address is None:
        raise AddressUnknown(outcome.customer_id)
    if isinstance(address, ErasedAddress):
        logger.info("mail skipped; the customer was erased")
        count("MailsSkipped")
        return {"skipped": "customer erased"}
    language = language_of(address.locale, languages(), DEFAULT_LANGUAGE)
    mail = mail_about(outcome, address.name, templates_for(topic_of(outcome), language))
    message_id = mailer().send(mail, to=address.email)
    count("MailsSent")
    return {"message_id": message_id}


_consume = consumer_handler(notify)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Consumes a batch, with the invocation's remaining time as the limit of its claims on mails."""
    _once.register_lambda_context(context)
    return _consume(event, context)
