"""Which feedback from SES suppresses an address."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from notifications.domain.feedback import MailFeedback, Suppression

MAIL = {
    "messageId": "m-1",
    "timestamp": "2026-03-01T10:00:00.000Z",
    "destination": ["Ada@Example.com"],
    "tags": {"ses:operation": ["SendEmail"], "recipient": ["user-1"]},
}
BOUNCED_AT = "2026-03-01T10:00:02.000Z"


def feedback(event_type: str, **details: Any) -> MailFeedback:
    return MailFeedback.model_validate_json(json.dumps({"eventType": event_type, "mail": MAIL, **details}))


def bounce(kind: str, failed: str = "ada@example.com") -> MailFeedback:
    return feedback(
        "Bounce",
        bounce={
            "bounceType": kind,
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": failed}],
            "timestamp": BOUNCED_AT,
        },
    )


def complaint(**more: Any) -> MailFeedback:
    return feedback("Complaint", complaint={"timestamp": BOUNCED_AT, "complainedRecipients": [], **more})


def test_an_address_that_bounced_for_good_gets_no_more_mail():
    assert bounce("Permanent").suppression() == Suppression(
        email="ada@example.com", because="bounce", at=BOUNCED_AT
    )
    assert bounce("Permanent").mail.recipient_id == "user-1"


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_an_address_that_may_take_mail_again_still_gets_it(kind: str):
    assert bounce(kind).suppression() is None


def test_a_bounce_of_a_forwarded_mail_suppresses_the_address_that_it_was_sent_to():
    suppression = bounce("Permanent", failed="somewhere@else.example").suppression()
    assert suppression is not None and suppression.email == "ada@example.com"


@pytest.mark.parametrize("kind", [{}, {"complaintFeedbackType": "abuse"}, {"complaintFeedbackType": None}])
def test_an_address_that_complained_gets_no_more_mail(kind: dict[str, Any]):
    assert complaint(**kind).suppression() == Suppression(
        email="ada@example.com", because="complaint", at=BOUNCED_AT
    )


def test_a_mail_that_was_taken_out_of_the_spam_is_no_complaint():
    assert complaint(complaintFeedbackType="not-spam").suppression() is None


@pytest.mark.parametrize("event_type", ["Send", "Delivery", "Open", "A type of later"])
def test_other_feedback_suppresses_nothing(event_type: str):
    assert feedback(event_type, delivery={"timestamp": BOUNCED_AT}).suppression() is None


def test_a_mail_without_our_tag_has_no_recipient():
    plain = MailFeedback.model_validate({"eventType": "Send", "mail": {**MAIL, "tags": {}}})
    assert plain.mail.recipient_id is None


@pytest.mark.parametrize("body", ["no json", "{}", '{"eventType": "Bounce", "mail": {"messageId": "m-1"}}'])
def test_a_malformed_message_is_refused(body: str):
    with pytest.raises(ValidationError):
        MailFeedback.model_validate_json(body)


def test_a_refusal_repeats_no_address():
    with pytest.raises(ValidationError) as refused:
        MailFeedback.model_validate({"eventType": "Bounce", "mail": {**MAIL, "destination": ["ada at home"]}})
    assert "ada" not in str(refused.value)
