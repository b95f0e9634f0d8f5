"""Sends the mail about an event: once per event, however often the queue delivers it.

A mail has no natural key to make it idempotent by, so the Powertools idempotency utility keeps a record per event id.
Of two deliveries at once the second fails and comes again; when the first one dies half-way, its claim ends with the
invocation's time. A failed mail leaves no record, so a redrive of the dead letters sends it.
"""

from typing import Any

from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.typing import LambdaContext

from notifications.adapters.address_book import sent_mails
from notifications.dependencies import IdempotencyTable, address_book, mailer, operators
from notifications.domain.layout import mail_of
from notifications.domain.letters import letter_about
from notifications.domain.occasions import (
    OCCASIONS,
    Address,
    AddressUnknown,
    ErasedAddress,
    Occasion,
    OrderOutcome,
    Registered,
    occasion_of,
)
from notifications.domain.wording import wording_for
from shared.aws import client
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger

# An event can lie in the queue for 4 days and then in the dead letters for 14; records outlive both.
_REMEMBERED_SECONDS = 30 * 24 * 60 * 60

_once = IdempotencyConfig(
    event_key_jmespath="event_id",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=_REMEMBERED_SECONDS,
    hash_function="sha256",
)


def notify(event: Event) -> None:
    """Sends the mail about `event` unless it was sent, its reader was erased, or their address is suppressed.

    Raises AddressUnknown and MailRefused.
    """
    occasion = occasion_of(event)
    _send(occasion, event=event)


@idempotent_function(
    data_keyword_argument="event",
    persistence_store=sent_mails(client("dynamodb"), IdempotencyTable.load().idempotency_table_name),
    config=_once,
    key_prefix="mail",
)
def _send(occasion: Occasion, *, event: Event) -> dict[str, str]:
    reader = _reader_of(occasion, event)
    if isinstance(reader, ErasedAddress):
        logger.info("mail skipped; the customer was erased")
        count("MailsSkipped")
        return {"skipped": "customer erased"}
    if reader.is_suppressed:
        logger.warning("mail skipped; the address is suppressed", recipient_id=reader.user_id)
        count("MailsSuppressed")
        return {"skipped": "address suppressed"}
    mail = mail_of(letter_about(occasion, reader.name, wording_for(reader.locale)))
    message_id = mailer().send(mail, to=reader.email, recipient_id=reader.user_id)
    logger.info("mail sent", mail_id=message_id, topic=occasion.topic)
    count("MailsSent")
    return {"message_id": message_id}


def _reader_of(occasion: Occasion, event: Event) -> Address | ErasedAddress:
    """Whom the mail is for; raises AddressUnknown."""
    match occasion:
        case Registered():
            # The projection hears of the registration by a queue of its own, sooner or later than this one does.
            return address_book().address_of(occasion.user_id) or Address.told_by(event)
        case OrderOutcome():
            address = address_book().address_of(occasion.customer_id)
            if address is None:
                raise AddressUnknown(occasion.customer_id)
            return address
        case _:
            return operators()


_consume = consumer_handler(dict.fromkeys(OCCASIONS, notify))


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Consumes a batch, with the invocation's remaining time as the limit of its claims on mails."""
    _once.register_lambda_context(context)
    return _consume(event, context)
