"""Accounts in the Cognito user pool."""

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError
from pydantic import BaseModel, ConfigDict

from shared.access import CUSTOMER_GROUP
from shared.errors import Conflict, FieldError, Problem, TooManyRequests, TransientError, Unprocessable
from users.domain.profile import SignUp

# The errors after which the same call may succeed in a moment:
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/CommonErrors.html
_BUSY = frozenset({"InternalErrorException", "LimitExceededException", "TooManyRequestsException"})

# Cognito made the account, and its mail did not go out: a quota is used up, or SES refused the mail.
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html
_CODE_NOT_SENT = frozenset(
    {"CodeDeliveryFailureException", "InvalidEmailRoleAccessPolicyException", "LimitExceededException"}
)
_DAYS_QUOTA = "daily"  # "Exceeded daily email limit for the operation or the account."


class EmailTaken(Conflict):
    """An account has this address already."""

    code = "email-taken"


class WeakPassword(Unprocessable):
    """The password does not meet the user pool's policy."""

    code = "weak-password"


class AccountRefused(Unprocessable):
    """The user pool does not accept the address or the attributes."""

    code = "account-refused"


class TooManySignUps(TooManyRequests):
    """The user pool accepts no more sign-ups at the moment."""


class CodeNotSent(Exception):
    """The user pool made the account, and could not mail its code.

    `is_quota_used_up` says that Cognito sends no more mail that day.
    """

    def __init__(self, code: str, *, is_quota_used_up: bool) -> None:
        super().__init__(code)
        self.is_quota_used_up = is_quota_used_up


class AccountsBusy(TransientError):
    """The user pool does not answer at the moment."""


class Account(BaseModel):
    """An account in the user pool, with the pool's times."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    user_id: str
    status: str
    enabled: bool
    created_at: datetime
    changed_at: datetime
    attributes: dict[str, str]
    mfa: list[str]
    preferred_mfa: str

    @property
    def confirmed(self) -> bool:
        """Whether the address's owner confirmed the account with the mailed code."""
        return self.status != "UNCONFIRMED"


class SignUps:
    """Sign-up in the user pool of one app client.

    Cognito's SignUp is an unsigned call that the client id alone permits: the function's role needs no action for it.
    """

    def __init__(self, cognito: Any, client_id: str) -> None:
        self._cognito = cognito
        self._client_id = client_id

    def create(self, request: SignUp) -> str:
        """Makes an unconfirmed account, and Cognito mails a code to its address; returns the account's `sub`.

        Of any number of calls with one address, at once or not, one succeeds: the pool holds each address once.
        Raises CodeNotSent if there is an account, and its owner gets no code. Raises EmailTaken, WeakPassword,
        AccountRefused or TooManySignUps if there is no new account, and AccountsBusy if that is not known.
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
        except HTTPClientError as error:
            raise AccountsBusy(f"sign_up: {type(error).__name__}") from None
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "InternalErrorException":
                raise AccountsBusy(f"sign_up: {code}") from None
            if code in _CODE_NOT_SENT:
                used_up = _DAYS_QUOTA in error.response["Error"].get("Message", "").lower()
                raise CodeNotSent(code, is_quota_used_up=used_up) from None
            problem = _problem_of(error)
            if problem is None:
                raise
            # Without the cause: Cognito's message may repeat what was sent.
            raise problem from None
        return str(answer["UserSub"])


class Accounts:
    """The accounts of one user pool. The pool finds an account by its `sub` and by its address alike."""

    def __init__(self, cognito: Any, user_pool_id: str) -> None:
        self._cognito = cognito
        self._pool = user_pool_id

    def make_customer(self, user_id: str) -> None:
        """Puts the account into the group of customers; a repeat changes nothing. Raises AccountsBusy."""
        self._call("admin_add_user_to_group", Username=user_id, GroupName=CUSTOMER_GROUP)

    def find(self, username: str) -> Account | None:
        """The account, or None. Raises AccountsBusy."""
        found = self._call("admin_get_user", Username=username)
        if found is None:
            return None
        attributes = {entry["Name"]: entry["Value"] for entry in found["UserAttributes"]}
        return Account(
            user_id=attributes.get("sub", found["Username"]),
            status=found["UserStatus"],
            enabled=found["Enabled"],
            created_at=found["UserCreateDate"],
            changed_at=found["UserLastModifiedDate"],
            attributes=attributes,
            mfa=found.get("UserMFASettingList", []),
            preferred_mfa=found.get("PreferredMfaSetting", ""),
        )

    def groups_of(self, user_id: str) -> list[str]:
        """The names of the account's groups; none if there is no account. Raises AccountsBusy."""
        # A pool has a handful of groups: they fit one page.
        found = self._call("admin_list_groups_for_user", Username=user_id)
        return [group["GroupName"] for group in found["Groups"]] if found else []

    def close(self, user_id: str) -> bool:
        """Removes the account, and with it every way to sign in; False if there was none. Raises AccountsBusy."""
        return self._call("admin_delete_user", Username=user_id) is not None

    def _call(self, operation: str, **arguments: str) -> dict[str, Any] | None:
        """The operation's answer, or None if there is no such account."""
        try:
            answer = getattr(self._cognito, operation)(UserPoolId=self._pool, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "UserNotFoundException":
                return None
            if code in _BUSY:
                raise AccountsBusy(f"{operation}: {code}") from None
            raise
        return dict(answer)


def _problem_of(error: ClientError) -> Problem | None:
    """The problem of a refused sign-up, or None if the refusal is the shop's own fault."""
    match error.response["Error"]["Code"]:
        case "UsernameExistsException" | "AliasExistsException":
            return EmailTaken(
                "An account has this address already. If the address is yours, sign in or reset the password. If the "
                "account was not confirmed within a day, the shop frees the address now: try again in a minute."
            )
        case "InvalidPasswordException":
            # Cognito's message names the broken rule of the pool's policy, and no part of the password.
            reason = error.response["Error"].get("Message") or "does not meet the password policy"
            return WeakPassword("The password is too weak.", [FieldError("/body/password", reason)])
        case "InvalidParameterException":
            return AccountRefused("The form of the address or of the password is not allowed.")
        case "TooManyRequestsException":
            return TooManySignUps("Too many sign-ups at the moment; try again in a minute.", retry_after=60)
        case _:
            return None
