"""Receives SES's feedback on bounces and complaints, and suppresses the addresses that must get no more mail."""

from typing import Any

from notifications.dependencies import address_book
from notifications.domain.feedback import TOPIC_NOTICE, MailFeedback
from shared.consumer import message_handler
from shared.observability import count, logger


def receive(body: str) -> None:
    """Records the feedback on one mail. A repeat is harmless.

    Raises pydantic.ValidationError if `body` is no feedback, and AddressUnknown if the user is not known yet.
    """
    if body == TOPIC_NOTICE:
        logger.info("SES validated the topic")
        return
    feedback = MailFeedback.model_validate_json(body)
    logged: dict[str, Any] = {
        "mail_id": feedback.mail.message_id,
        "feedback": feedback.event_type,
        "kind": feedback.kind,
    }
    suppression, recipient_id = feedback.suppression(), feedback.mail.recipient_id
    if suppression is None or recipient_id is None:
        logger.info("mail feedback needs no suppression", **logged)
        return
    if not address_book().suppress(recipient_id, suppression):
        logger.info("mail feedback is about an address that is no longer used", **logged)
        return
    logger.warning("address suppressed", recipient_id=recipient_id, **logged)
    count("AddressesSuppressed")


handler = message_handler(receive)
