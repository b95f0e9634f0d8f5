"""Sends mail through Amazon SES."""

import re
from typing import Any

from botocore.exceptions import ClientError

from notifications.domain.feedback import RECIPIENT_TAG
from notifications.domain.layout import Mail
from shared.errors import PermanentError

# SES takes no mail from a sender who is not verified. In its sandbox, it takes mail to verified addresses only:
# https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
_NOT_VERIFIED = "Email address is not verified."

# SES refuses the same request every time, until an operator changes the account or the address:
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_REFUSALS = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "MessageRejected",
        "SendingPausedException",
    }
)


class MailRefused(PermanentError):
    """SES refuses this mail. The message leaves out SES's own words, because they name the recipient."""


class SesNotSetUp(Exception):
    """SES takes such mails only after an operator has set it up. The message names no recipient."""


class Mailer:
    """Sends mail from one address. SES has to verify that address or its domain first.

    SES publishes bounces and complaints as the configuration set says.
    """

    def __init__(self, ses: Any, sender: str, configuration_set: str) -> None:
        self._ses = ses
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, mail: Mail, *, to: str, recipient_id: str) -> str:
        """Sends `mail` and returns SES's id of it. SES repeats `recipient_id` in its feedback on the mail.

        Raises SesNotSetUp, MailRefused, or botocore's ClientError if SES is busy or the day's quota is used up.
        """
        try:
            answer = self._ses.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [to]},
                ConfigurationSetName=self._configuration_set,
                EmailTags=[{"Name": RECIPIENT_TAG, "Value": recipient_id}],
                Content={
                    "Simple": {
                        "Subject": _content(mail.subject),
                        "Body": {"Text": _content(mail.text), "Html": _content(mail.html)},
                    }
                },
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if missing := self._missing(code, error.response["Error"].get("Message", "")):
                raise SesNotSetUp(missing) from None
            if code in _REFUSALS:
                raise MailRefused(f"SES answered {code}") from None
            raise
        return str(answer["MessageId"])

    def _missing(self, code: str, message: str) -> str | None:
        """The part of SES's set-up that is missing by its answer, or None if the answer is about something else."""
        if code == "MailFromDomainNotVerifiedException":
            return "SES has not verified the sender's MAIL FROM domain"
        if code != "MessageRejected" or not message.startswith(_NOT_VERIFIED):
            return None
        # The message ends with the addresses that are not verified.
        if self._sender in re.split(r"[\s,]+", message):
            return "SES has not verified the sender"
        return "SES is in its sandbox, and takes mail to verified addresses only"


def _content(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}
