"""Wires the sandbox to its table and its key, once per execution environment."""

import hmac
import time
from functools import cache
from uuid import uuid4

from payments_sandbox.adapters import IntentStore
from payments_sandbox.domain.idempotent_requests import IdempotentRequests
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.secrets import Secrets


class Environment(LambdaEnvironment):
    """The sandbox's environment variables. A rotated key may count for `secret_max_age_seconds`."""

    table_name: str
    payment_provider_secret: str
    lost_answer_delay_seconds: float
    secret_max_age_seconds: float = 300.0


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
    return Secrets(client("secretsmanager"), max_age_seconds=environment().secret_max_age_seconds)


def is_api_key(text: str) -> bool:
    """Whether callers may present it as the key; one that was rotated a moment ago counts at once."""
    secret_id = environment().payment_provider_secret
    return any(
        hmac.compare_digest(text.encode(), _secrets().get(secret_id, max_age_seconds=max_age).encode())
        for max_age in (None, 0)
    )
