"""Wires the sandbox to its table and its key, once per execution environment."""

import time
from functools import cache
from uuid import uuid4

from payments_sandbox.adapters import IntentStore
from payments_sandbox.domain.idempotent_requests import IdempotentRequests
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.secrets import Secrets

_KEY_MAX_AGE_SECONDS = 300


class Environment(LambdaEnvironment):
    """The sandbox's environment variables. The delay is in seconds."""

    table_name: str
    payment_provider_secret: str
    lost_answer_delay_seconds: float


@cache
def environment() -> Environment:
    """The function's environment, checked."""
    return Environment.load()


@cache
def intent_store() -> IntentStore:
    """The store of the sandbox's table."""
    return IntentStore(client("dynamodb"), environment().table_name)


@cache
def idempotent_requests() -> IdempotentRequests:
    """The requests that change an intent, on the sandbox's table."""
    return IdempotentRequests(intent_store(), now=lambda: int(time.time()), new_id=lambda: uuid4().hex)


@cache
def _secrets() -> Secrets:
    return Secrets(client("secretsmanager"), max_age_seconds=_KEY_MAX_AGE_SECONDS)


def api_key() -> str:
    """The key that callers must present."""
    return _secrets().get(environment().payment_provider_secret)
