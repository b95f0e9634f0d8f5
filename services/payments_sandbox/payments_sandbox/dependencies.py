"""What the sandbox works with, made once per execution environment from the environment variables."""

import time
from functools import cache
from uuid import uuid4

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from payments_sandbox.adapters import Books
from payments_sandbox.domain.idempotent_requests import Desk
from shared.aws import client
from shared.environment import LambdaEnvironment

_KEY_MAX_AGE_SECONDS = 300


class Environment(LambdaEnvironment):
    """What the sandbox reads from its environment. The delay is in seconds."""

    table_name: str
    payment_provider_secret: str
    lost_answer_delay_seconds: float


@cache
def environment() -> Environment:
    """The function's environment, checked."""
    return Environment.load()


@cache
def books() -> Books:
    """The provider's books."""
    return Books(client("dynamodb"), environment().table_name)


@cache
def desk() -> Desk:
    """The desk that keeps them."""
    return Desk(books(), now=lambda: int(time.time()), new_id=lambda: uuid4().hex)


@cache
def _secrets() -> SecretsProvider:
    return SecretsProvider(boto3_client=client("secretsmanager"))


def api_key() -> str:
    """The key that callers must present."""
    return str(_secrets().get(environment().payment_provider_secret, max_age=_KEY_MAX_AGE_SECONDS))
