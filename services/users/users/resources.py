"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from shared.aws import client
from shared.environment import LambdaEnvironment
from users.accounts import Accounts
from users.store import ProfileStore


class Environment(LambdaEnvironment):
    """What the API function reads from its environment."""

    table_name: str
    user_pool_client_id: str


@cache
def profile_store() -> ProfileStore:
    """The users table's store."""
    return ProfileStore(client("dynamodb"), Environment.load().table_name)


@cache
def accounts() -> Accounts:
    """The user pool's accounts."""
    return Accounts(client("cognito-idp"), Environment.load().user_pool_client_id)
