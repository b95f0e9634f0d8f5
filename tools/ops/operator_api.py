"""The shop's API as an operator uses it: with an admin's token, and with errors that say how to go on."""

import argparse
import os
from typing import Any

import requests
from botocore.exceptions import ClientError

from shared.access import ADMIN_GROUP
from tools.api import ADMINS_CLIENT, Api, ChallengeRequired, open_account, sign_in
from tools.command_line import add_stack_option
from tools.console import StepError
from tools.stack import Stack

_ADVICE_AWS = (
    "Set ADMIN_EMAIL and ADMIN_PASSWORD to sign in as an admin, or pass an admin's identity token as TOKEN "
    f"(or --token): `make token ROLE=admin` prints one. An admin is an account in the group {ADMIN_GROUP}."
)
_ADVICE_EMBEDDED = "Unset TOKEN and leave out --token: the embedded cloud needs neither."
# The operator of the embedded cloud. The account exists there alone.
_EMAIL, _PASSWORD = "operator@example.com", "Correct-horse-7-battery"


class OperatorApi:
    """The API of a stack, called as an admin."""

    def __init__(self, stack: Stack, token: str) -> None:
        self.stack = stack
        self._api = Api(stack)
        self._token = token
        self._advice = _ADVICE_EMBEDDED if stack.is_embedded else _ADVICE_AWS

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Calls `path`; returns the answer with any status, but raises StepError for a refused token."""
        answer = self._api.request(method, path, token=self._token, **options)
        if answer.status_code == requests.codes.unauthorized:
            raise StepError("The API does not accept the token. It may have expired.", self._advice)
        if answer.status_code == requests.codes.forbidden:
            raise StepError(f"The token is not an admin's. {problem(answer)}", self._advice)
        return answer

    def call(self, method: str, path: str, *, advice: str, **options: Any) -> dict[str, Any]:
        """The body of a successful answer; raises StepError with `advice` for any other."""
        answer = self.request(method, path, **options)
        if not answer.ok:
            raise StepError(problem(answer), advice)
        return dict(answer.json())


def problem(answer: requests.Response) -> str:
    """The description of the error in an answer."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.method} {answer.url} answered {answer.status_code}."


def add_operator_options(parser: argparse.ArgumentParser) -> None:
    """Lets the command work on any stack, as the admin whom the environment or `--token` names."""
    add_stack_option(parser)
    parser.add_argument(
        "--token",
        default=os.environ.get("TOKEN", ""),
        help="an admin's identity token (default: $TOKEN, or a sign-in with $ADMIN_EMAIL and $ADMIN_PASSWORD; "
        "the embedded cloud needs neither)",
    )


def operator_api(arguments: argparse.Namespace) -> OperatorApi:
    """The API that the options of a command name; raises StepError if they name no admin."""
    stack = Stack.named(arguments.stack, arguments.region)
    return OperatorApi(stack, arguments.token or admin_token(stack))


def admin_token(stack: Stack) -> str:
    """The token of the admin whom the environment names, or of the embedded cloud's operator; raises StepError."""
    email, password = os.environ.get("ADMIN_EMAIL", ""), os.environ.get("ADMIN_PASSWORD", "")
    if email and password:
        return _signed_in(stack, email, password)
    if stack.is_embedded:
        return _embedded_operator(stack)
    raise StepError(f"The API of {stack.name} needs an admin, and none is named.", _ADVICE_AWS)


def _signed_in(stack: Stack, email: str, password: str) -> str:
    try:
        return sign_in(stack, email, password, client=ADMINS_CLIENT)
    except ClientError as error:
        raise StepError(
            f"{email} cannot sign in: {error.response['Error']['Message']}",
            "Check ADMIN_EMAIL, ADMIN_PASSWORD and STACK.",
        ) from error
    except ChallengeRequired as challenge:
        raise StepError(
            f"{email} cannot sign in with a password alone: Cognito asks for {challenge}.",
            "Sign in as that account in another way, and pass its identity token as TOKEN.",
        ) from challenge


def _embedded_operator(stack: Stack) -> str:
    """The operator's token; the first call makes the account."""
    open_account(stack, _EMAIL, _PASSWORD, name="Operator", groups=[ADMIN_GROUP])
    return sign_in(stack, _EMAIL, _PASSWORD, client=ADMINS_CLIENT)
