"""Hears from SES of mails that bounced and of complaints, and marks the addresses that must get no more mail."""

from typing import Any

from notifications.dependencies import address_book
from notifications.domain.delivery import TOPIC_NOTICE, DeliveryRecord
from shared.consumer import message_handler
from shared.observability import count, logger


def hear(body: str) -> None:
    """Takes note of one record; marking an address again changes nothing.

    Raises pydantic.ValidationError for what is no record, and AddressUnknown for a user who is not known yet.
    """
    if body == TOPIC_NOTICE:
        logger.info("SES found the topic")
        return
    record = DeliveryRecord.model_validate_json(body)
    about: dict[str, Any] = {
        "mail_id": record.mail.message_id,
        "record": record.event_type,
        "kind": record.kind,
    }
    suppression, recipient_id = record.suppression(), record.mail.recipient_id
    if suppression is None or recipient_id is None:
        logger.info("mail feedback needs nothing", **about)
        return
    if not address_book().suppress(recipient_id, suppression):
        logger.info("mail feedback is about an address that is no longer used", **about)
        return
    logger.warning("address suppressed", recipient_id=recipient_id, **about)
    count("AddressesSuppressed")


handler = message_handler(hear)
