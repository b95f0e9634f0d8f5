"""Accounts in the Cognito user pool: the only module of the service that knows Cognito."""

from typing import Any

from botocore.exceptions import ClientError

from shared.errors import Conflict, FieldError, Problem, TooManyRequests, Unprocessable
from users.domain import SignUp


class EmailTaken(Conflict):
    """The address cannot be signed up: an account has it."""

    code = "email-taken"


class WeakPassword(Unprocessable):
    """The password does not meet the user pool's policy."""

    code = "weak-password"


class AccountRefused(Unprocessable):
    """The user pool does not take the address or the attributes."""

    code = "account-refused"


class TooManySignUps(TooManyRequests):
    """The user pool takes no more sign-ups for the moment."""


class Accounts:
    """Sign-up in the user pool of one app client.

    Cognito's SignUp is an unsigned call that the client id alone permits: the function's role needs no action for it.
    """

    def __init__(self, cognito: Any, client_id: str) -> None:
        self._cognito = cognito
        self._client_id = client_id

    def create(self, request: SignUp) -> str:
        """Makes an unconfirmed account, to which Cognito mails a code; returns its `sub`.

        Raises EmailTaken, WeakPassword, AccountRefused or TooManySignUps.
        """
        try:
            answer = self._cognito.sign_up(
                ClientId=self._client_id,
                Username=request.email,
                Password=request.password.get_secret_value(),
                UserAttributes=[
                    {"Name": "email", "Value": request.email},
                    {"Name": "name", "Value": request.name},
                    {"Name": "locale", "Value": request.locale},
                ],
            )
        except ClientError as error:
            problem = _problem_of(error)
            if problem is None:
                raise
            # Without the cause: Cognito's message may repeat what was sent.
            raise problem from None
        return str(answer["UserSub"])


def _problem_of(error: ClientError) -> Problem | None:
    """The answer to a refused sign-up, or None when the refusal is our own fault."""
    match error.response["Error"]["Code"]:
        case "UsernameExistsException" | "AliasExistsException":
            return EmailTaken(
                "This address cannot be signed up. If it is yours, sign in or reset the password."
            )
        case "InvalidPasswordException":
            # Cognito's message tells which rule of the pool's policy is broken, and nothing of the password.
            reason = error.response["Error"].get("Message") or "does not meet the password policy"
            return WeakPassword("The password is too weak.", [FieldError("/body/password", reason)])
        case "InvalidParameterException":
            return AccountRefused("The address or the password has a form that accounts cannot have.")
        case "TooManyRequestsException" | "LimitExceededException":
            return TooManySignUps("Too many sign-ups at the moment; try again in a minute.")
        case _:
            return None
