"""What SES tells of a mail after it took it, and when that means that the address must get no more mail; without AWS.

The records are SES's own, as it publishes them to a topic:
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from typing import Annotated, Literal

from pydantic import Field

from notifications.domain.occasions import EmailAddress, Fact

# The mark on each mail of this service that says whose it is; it comes back with what SES tells of the mail.
RECIPIENT_TAG = "recipient"

# What SES publishes once, when it is told of the topic. It is no record, nor JSON.
TOPIC_NOTICE = "Successfully validated SNS topic for Amazon SES event publishing."


class Suppression(Fact):
    """That an address must get no more mail, why, and since when."""

    email: EmailAddress
    because: Literal["bounce", "complaint"]
    at: str


class SentMail(Fact):
    """The mail that a record is about. Each of ours has one recipient."""

    message_id: Annotated[str, Field(alias="messageId", min_length=1)]
    destination: Annotated[list[EmailAddress], Field(min_length=1)]
    tags: Annotated[dict[str, list[str]], Field(default_factory=dict)]

    @property
    def recipient_id(self) -> str | None:
        """Whose mail it is: a user's id, or the operators; None of a mail that this service did not send."""
        return next(iter(self.tags.get(RECIPIENT_TAG, [])), None)


class Bounce(Fact):
    """The mail came back. SES tries again by itself before it calls a bounce transient."""

    kind: Annotated[str, Field(alias="bounceType")]
    timestamp: str


class Complaint(Fact):
    """The recipient called the mail unwanted, or whoever runs their mailbox passed on another word on it."""

    kind: Annotated[str | None, Field(alias="complaintFeedbackType")] = None
    timestamp: str


class DeliveryRecord(Fact):
    """What SES tells of one mail. Records of other types than these two say nothing that matters here."""

    event_type: Annotated[str, Field(alias="eventType")]
    mail: SentMail
    bounce: Bounce | None = None
    complaint: Complaint | None = None

    @property
    def kind(self) -> str | None:
        """SES's own word for the bounce or complaint, which names nobody."""
        told = self.bounce or self.complaint
        return told.kind if told else None

    def suppression(self) -> Suppression | None:
        """That the address must get no more mail, if the record means that: it bounced for good, or complained.

        The address is the one that was written to: a bounce names the one that failed, which is another one where mail
        is forwarded.
        """
        address = self.mail.destination[0]
        if self.bounce and self.bounce.kind == "Permanent":
            return Suppression(email=address, because="bounce", at=self.bounce.timestamp)
        # "not-spam" takes a mail back out of the spam that was sorted in there.
        if self.complaint and self.complaint.kind != "not-spam":
            return Suppression(email=address, because="complaint", at=self.complaint.timestamp)
        return None
