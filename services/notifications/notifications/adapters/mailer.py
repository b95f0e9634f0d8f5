"""Sends mail through Amazon SES."""

from typing import Any

from botocore.exceptions import ClientError

from notifications.domain.feedback import RECIPIENT_TAG
from notifications.domain.layout import Mail
from shared.errors import PermanentError

# SES refuses the same request every time, until an operator changes the account or the address:
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_REFUSALS = frozenset(
    {
        "AccountSuspendedException",
        "BadRequestException",
        "MailFromDomainNotVerifiedException",
        "MessageRejected",
        "SendingPausedException",
    }
)


class MailRefused(PermanentError):
    """SES refuses this mail. The message leaves out SES's own words, because they name the recipient."""


class Mailer:
    """Sends mail from one address, whose identity SES has verified.

    SES publishes bounces and complaints as the configuration set says.
    """

    def __init__(self, ses: Any, sender: str, configuration_set: str) -> None:
        self._ses = ses
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, mail: Mail, *, to: str, recipient_id: str) -> str:
        """Sends `mail` and returns SES's id of it. SES repeats `recipient_id` in its feedback on the mail.

        Raises MailRefused, or botocore's ClientError if SES is busy.
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
            if code in _REFUSALS:
                raise MailRefused(f"SES answered {code}") from None
            raise
        return str(answer["MessageId"])


def _content(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}
