"""Sends the mail about an event: once per event, however often the queue delivers it.

Without a sender, or while SES is not set up, the shop sends no mail. That is no failure: the function says so once,
counts each mail, and never sends it later. A mail is about a moment, and would be wrong days after it.
"""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from notifications.adapters.mailer import SesNotSetUp
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

    Sends nothing, and counts it, if the shop has no sender or SES is not set up.
    Raises AddressUnknown, MailRefused and MailInProgress.
    """
    notification = notification_about(event)
    sent_mails().once(event.event_id, lambda: _send(notification, event))


def _send(notification: Notification, event: Event) -> dict[str, str]:
    sender = mailer()
    if sender is None:
        return _not_sent("the shop has no sender")
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
    try:
        message_id = sender.send(mail, to=recipient.email, recipient_id=recipient.user_id)
    except SesNotSetUp as missing:
        return _not_sent(str(missing))
    logger.info("mail sent", mail_id=message_id, topic=notification.topic)
    count("MailsSent")
    return {"message_id": message_id}


def _not_sent(reason: str) -> dict[str, str]:
    _say(reason)
    count("MailsNotSent")
    return {"skipped": reason}


@cache
def _say(reason: str) -> None:
    # Once in an execution environment: the reason holds until an operator acts, and the metric counts the mails.
    logger.warning("mails are not sent", reason=reason)


_consume = consumer_handler(dict.fromkeys(NOTIFICATIONS, notify))


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Consumes a batch; its claims on mails end with the invocation's remaining time."""
    sent_mails().limit_claims(context)
    return _consume(event, context)
