"""Feedback from SES on a mail that it took, and which feedback suppresses the mail's address.

The format is that of SES's event publishing to a topic:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from typing import Annotated, Literal

from pydantic import Field

from notifications.domain.personal_data import PersonalModel
from notifications.domain.recipients import EmailAddress
from shared.record import Personal

# The tag on each mail of this service that holds its recipient's id. SES repeats it in its feedback.
RECIPIENT_TAG = "recipient"

# SES publishes this once, when the topic becomes its event destination. It is neither feedback nor JSON.
TOPIC_NOTICE = "Successfully validated SNS topic for Amazon SES event publishing."


class Suppression(PersonalModel):
    """An address that must get no more mail, with the reason and the time."""

    email: Annotated[EmailAddress, Personal.MAIL_ADDRESS]
    because: Literal["bounce", "complaint"]
    at: str


class SentMail(PersonalModel):
    """The mail that the feedback is about. Each mail of this service has one recipient."""

    message_id: Annotated[str, Field(alias="messageId", min_length=1)]
    destination: Annotated[list[EmailAddress], Field(min_length=1)]
    tags: Annotated[dict[str, list[str]], Field(default_factory=dict)]

    @property
    def recipient_id(self) -> str | None:
        """The id of a user, or of the operators; None if this service did not send the mail."""
        return next(iter(self.tags.get(RECIPIENT_TAG, [])), None)


class Bounce(PersonalModel):
    """The mail came back. SES itself tries several times before it reports a transient bounce."""

    kind: Annotated[str, Field(alias="bounceType")]
    timestamp: str


class Complaint(PersonalModel):
    """The recipient reported the mail as spam, or the mailbox provider sent other feedback on it."""

    kind: Annotated[str | None, Field(alias="complaintFeedbackType")] = None
    timestamp: str


class MailFeedback(PersonalModel):
    """SES's feedback on one mail. Only bounces and complaints matter here."""

    event_type: Annotated[str, Field(alias="eventType")]
    mail: SentMail
    bounce: Bounce | None = None
    complaint: Complaint | None = None

    @property
    def kind(self) -> str | None:
        """SES's name for the kind of bounce or complaint. It holds no personal data."""
        details = self.bounce or self.complaint
        return details.kind if details else None

    def suppression(self) -> Suppression | None:
        """The suppression that follows from a permanent bounce or a complaint, or None.

        It is about the address that this service wrote to. The bounce itself may name another one, if the recipient
        forwards mail.
        """
        address = self.mail.destination[0]
        if self.bounce and self.bounce.kind == "Permanent":
            return Suppression(email=address, because="bounce", at=self.bounce.timestamp)
        # By "not-spam" a recipient takes a mail back out of the spam folder.
        if self.complaint and self.complaint.kind != "not-spam":
            return Suppression(email=address, because="complaint", at=self.complaint.timestamp)
        return None
