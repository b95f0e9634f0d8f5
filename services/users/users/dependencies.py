"""Wires the adapters of the service's functions, once per execution environment, from the environment variables."""

from functools import cache
from typing import TYPE_CHECKING

from shared.aws import client
from shared.environment import LambdaEnvironment
from users.adapters.second_factors import SecondFactors

# Their rules need pydantic, with which the check of second factors would start slower. Every sign-in waits for that.
if TYPE_CHECKING:
    from users.adapters.accounts import Accounts, SignUps
    from users.adapters.profile_store import ProfileStore
    from users.adapters.sign_up_counters import SignUpCounters


class UsersTable(LambdaEnvironment):
    """Names the users table."""

    table_name: str


class UserPool(LambdaEnvironment):
    """Names the user pool."""

    user_pool_id: str


class UserPoolClient(LambdaEnvironment):
    """Names the user pool's app client for sign-ups."""

    user_pool_client_id: str


class SignUpSettings(LambdaEnvironment):
    """How many sign-ups one source may send in an hour."""

    max_sign_ups_per_source: int


class ExportSettings(LambdaEnvironment):
    """The routes that read more of a user's data, a line each: `/orders: orders, with their shipping addresses`."""

    also_exported: str

    @property
    def lists(self) -> dict[str, str]:
        """What each route lists, by its path."""
        lines = (line.partition(":") for line in self.also_exported.splitlines())
        return {path.strip(): what.strip() for path, _, what in lines}


class SecondFactorSettings(LambdaEnvironment):
    """Whether an admin needs a second factor: `required` or `optional`."""

    second_factor: str

    @property
    def is_required(self) -> bool:
        """Whether an account without one is no admin."""
        return self.second_factor != "optional"


@cache
def export_settings() -> ExportSettings:
    """What an export of a user's data links to."""
    return ExportSettings.load()


@cache
def second_factor_settings() -> SecondFactorSettings:
    """Whether an admin needs a second factor."""
    return SecondFactorSettings.load()


@cache
def second_factors() -> SecondFactors:
    """The second factors of the user pool's accounts."""
    return SecondFactors(client("cognito-idp"))


@cache
def profile_store() -> "ProfileStore":
    """The users table's store."""
    from users.adapters.profile_store import ProfileStore  # noqa: PLC0415

    return ProfileStore(client("dynamodb"), UsersTable.load().table_name)


@cache
def sign_up_counters() -> "SignUpCounters":
    """The users table's counters of sign-ups."""
    from users.adapters.sign_up_counters import SignUpCounters  # noqa: PLC0415

    return SignUpCounters(client("dynamodb"), UsersTable.load().table_name)


@cache
def sign_up_settings() -> SignUpSettings:
    """The limit of sign-ups."""
    return SignUpSettings.load()


@cache
def sign_ups() -> "SignUps":
    """Sign-up in the user pool."""
    from users.adapters.accounts import SignUps  # noqa: PLC0415

    # The SDK repeats a call after LimitExceededException. Cognito made the account then, and would refuse the repeat.
    return SignUps(client("cognito-idp", attempts=1), UserPoolClient.load().user_pool_client_id)


@cache
def accounts() -> "Accounts":
    """The user pool's accounts."""
    from users.adapters.accounts import Accounts  # noqa: PLC0415

    return Accounts(client("cognito-idp"), UserPool.load().user_pool_id)
