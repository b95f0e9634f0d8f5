"""Sends the mail about an event: once per event, however often the queue delivers it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from notifications.dependencies import address_book, mailer, operators, sent_mails, templates
from notifications.domain.layout import render_mail
from notifications.domain.letters import letter_about
from notifications.domain.notifications import NOTIFICATIONS, Notification, notification_about
from notifications.domain.recipients import ErasedAddress, recipient_of
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count, logger


def notify(event: Event) -> None:
    """Sends the mail about `event`, unless it was sent, the recipient was erased, or their address is suppressed.

    Raises AddressUnknown and MailRefused.
    """
    _send_once(notification_about(event), event=event)


def _send(notification: Notification, *, event: Event) -> dict[str, str]:
    recipient = recipient_of(notification, event, address_book(), operators)
    if isinstance(recipient, ErasedAddress):
        logger.info("mail skipped; the customer was erased")
        count("MailsSkipped")
        return {"skipped": "customer erased"}
    if recipient.is_suppressed:
        logger.warning("mail skipped; the address is suppressed", recipient_id=recipient.user_id)
        count("MailsSuppressed")
        return {"skipped": "address suppressed"}
    letter = letter_about(notification, recipient.name, templates().wording_for(recipient.locale))
    mail = render_mail(letter, templates().layout)
    message_id = mailer().send(mail, to=recipient.email, recipient_id=recipient.user_id)
    logger.info("mail sent", mail_id=message_id, topic=notification.topic)
    count("MailsSent")
    return {"message_id": message_id}


_send_once = sent_mails().once(_send)
_consume = consumer_handler(dict.fromkeys(NOTIFICATIONS, notify))


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Consumes a batch; its claims on mails end with the invocation's remaining time."""
    sent_mails().limit_claims(context)
    return _consume(event, context)
