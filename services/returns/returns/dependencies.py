"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from returns.adapters.return_store import ReturnStore
from returns.domain.policy import ReturnPolicy
from shared.aws import client
from shared.environment import LambdaEnvironment


class ReturnsTable(LambdaEnvironment):
    """Names the returns table."""

    table_name: str


class PolicySettings(ReturnPolicy, LambdaEnvironment):
    """The policy, as the template's parameters set it."""


@cache
def return_store() -> ReturnStore:
    """The returns table."""
    return ReturnStore(client("dynamodb"), ReturnsTable.load().table_name)


@cache
def return_policy() -> ReturnPolicy:
    """The shop's policy for returns."""
    return PolicySettings.load()
