"""Cognito's own mails of a day, 50 for an account: after them it makes accounts, and fails because it mails no code.

MiniStack mails any number of codes.
"""

from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core.responses import error_response_json  # type: ignore[import-not-found]
from ministack.services import cognito  # type: ignore[import-not-found]

from . import settings

_MESSAGE = (
    "Exceeded daily email limit for the operation or the account. If a higher limit is required, please configure "
    "your user pool to use your own Amazon SES configuration for sending email."
)


def install() -> None:
    """Fails each sign-up after it made the account, and mails no code, while the setting `codes_used_up` is on."""
    sign_up, send_code = cognito._sign_up, cognito._send_verification_email

    def sign_up_without_code(data: dict[str, Any]) -> Any:
        answer = sign_up(data)
        if answer[0] == 200 and settings.is_on("codes_used_up"):
            return error_response_json("LimitExceededException", _MESSAGE, 400)
        return answer

    def send_code_if_any(*args: Any, **options: Any) -> Any:
        return None if settings.is_on("codes_used_up") else send_code(*args, **options)

    cognito._sign_up, cognito._send_verification_email = sign_up_without_code, send_code_if_any
