"""Wires the adapters of the service's functions, once per execution environment, from the environment variables."""

from functools import cache

from shared.aws import client
from shared.environment import LambdaEnvironment
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


@cache
def profile_store() -> ProfileStore:
    """The users table's store."""
    return ProfileStore(client("dynamodb"), UsersTable.load().table_name)


@cache
def sign_up_counters() -> SignUpCounters:
    """The users table's counters of sign-ups."""
    return SignUpCounters(client("dynamodb"), UsersTable.load().table_name)


@cache
def sign_up_settings() -> SignUpSettings:
    """The limit of sign-ups."""
    return SignUpSettings.load()


@cache
def sign_ups() -> SignUps:
    """Sign-up in the user pool."""
    # The SDK repeats a call after LimitExceededException. Cognito made the account then, and would refuse the repeat.
    return SignUps(client("cognito-idp", attempts=1), UserPoolClient.load().user_pool_client_id)


@cache
def accounts() -> Accounts:
    """The user pool's accounts."""
    return Accounts(client("cognito-idp"), UserPool.load().user_pool_id)
