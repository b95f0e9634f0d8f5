"""The shop's REST API as a caller of any stack reaches it, and the accounts and sign-ins that give a caller a token."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import requests
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential

from tools.stack import Stack

FINAL = {"confirmed", "fulfilled", "rejected", "cancelled", "parked"}
"""An order is decided in these: confirmed goes on to fulfilled by itself, and parked waits for an operator."""

_TIMEOUT_SECONDS = 60
_TRIES = 11
_LONGEST_WAIT_SECONDS = 5.0
"""A shop that asks for a longer wait is not busy for a moment: its answer goes to the caller."""
BACKOFF = wait_exponential(0.5, max=2)


class ChallengeRequired(Exception):
    """Cognito asks for more than a password, for example a second factor; the message names the challenge."""


class Api:
    """The REST API of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._base_url = stack.api_url
        self._http = requests.Session()

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> requests.Response:
        """Calls `path`, or a link's URL, with a bearer token if one is given; returns the answer with any status.

        After a 429 or a 503 it sends the request again, as long as the shop asks for a short wait, ten times at most.
        """
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        patient = Retrying(
            retry=_asks_again, wait=_wait, stop=stop_after_attempt(_TRIES), retry_error_callback=_answer
        )
        return patient(
            self._http.request,
            method,
            path if path.startswith("http") else self._base_url + path,
            headers={**authorization, **(headers or {})},
            timeout=_TIMEOUT_SECONDS,
            **kwargs,
        )


def _answer(state: RetryCallState) -> requests.Response:
    assert state.outcome is not None
    answer: requests.Response = state.outcome.result()
    return answer


def _asks_again(state: RetryCallState) -> bool:
    """Whether a busy shop asks to send the request again soon."""
    answer = _answer(state)
    is_busy = answer.status_code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return is_busy and _retry_after(answer) <= _LONGEST_WAIT_SECONDS


def _wait(state: RetryCallState) -> float:
    return max(BACKOFF(state), _retry_after(_answer(state)))


def _retry_after(answer: requests.Response) -> float:
    """The seconds that the answer asks to wait; the shop writes no dates there."""
    return float(answer.headers.get("Retry-After", 0))


def open_account(stack: Stack, email: str, password: str, *, name: str, groups: Iterable[str]) -> bool:
    """Makes a confirmed account in these groups, as an operator may; Cognito mails nothing.

    Returns False if the address has an account, and leaves that as it is.
    """
    cognito = stack.client("cognito-idp")
    account = {"UserPoolId": stack.resource("UserPool"), "Username": email}
    attributes = {"email": email, "email_verified": "true", "name": name}
    try:
        cognito.admin_create_user(
            **account,
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
            MessageAction="SUPPRESS",
        )
    except cognito.exceptions.UsernameExistsException:
        return False
    cognito.admin_set_user_password(**account, Password=password, Permanent=True)
    for group in groups:
        add_to_group(stack, email, group)
    return True


def add_to_group(stack: Stack, username: str, group: str) -> None:
    """Puts the account into the group, as an operator may; it counts from the account's next token."""
    stack.client("cognito-idp").admin_add_user_to_group(
        UserPoolId=stack.resource("UserPool"), Username=username, GroupName=group
    )


CUSTOMERS_CLIENT, ADMINS_CLIENT = "UserPoolClient", "AdminUserPoolClient"
"""The user pool's app clients. Only tokens of the second give an admin's rights; they are valid for five minutes."""


def sign_in(stack: Stack, email: str, password: str, *, client: str = CUSTOMERS_CLIENT) -> str:
    """A fresh identity token of the account.

    Raises botocore's ClientError if Cognito refuses, and ChallengeRequired if it asks for more than a password.
    """
    return _tokens(stack, email, password, client)["IdToken"]


def refresh_token(stack: Stack, email: str, password: str, *, client: str = CUSTOMERS_CLIENT) -> str:
    """A token with which others are made until the session ends; raises as `sign_in`."""
    return _tokens(stack, email, password, client)["RefreshToken"]


def _tokens(stack: Stack, email: str, password: str, client: str) -> dict[str, str]:
    session = stack.client("cognito-idp").initiate_auth(
        ClientId=stack.resource(client),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": password},
    )
    if "AuthenticationResult" not in session:
        raise ChallengeRequired(session["ChallengeName"])
    tokens: dict[str, str] = session["AuthenticationResult"]
    return tokens
