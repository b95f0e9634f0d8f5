"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from payments.adapters.payment_store import ObservationStore, PaymentStore
from payments.adapters.provider import Provider
from payments.adapters.transport import Transport
from payments.domain.observer import Observer
from payments.domain.payment_service import Cashier
from payments.domain.reconciler import Reconciler
from shared.aws import client
from shared.clock import utc_now
from shared.environment import LambdaEnvironment

# A rotated key is noticed this late; the provider must accept the old one for that long.
_KEY_MAX_AGE_SECONDS = 300


class Environment(LambdaEnvironment):
    """What the saga steps read from their environment."""

    table_name: str
    payment_provider_url: str
    payment_provider_secret: str


class ReconcileEnvironment(Environment):
    """What the reconciler reads beyond that."""

    observations_table_name: str


class WebhookEnvironment(LambdaEnvironment):
    """What the webhook reads from its environment."""

    table_name: str
    observations_table_name: str
    payment_webhook_secret: str


@cache
def _secrets() -> SecretsProvider:
    return SecretsProvider(boto3_client=client("secretsmanager"))


@cache
def payment_store() -> PaymentStore:
    """The payments table's store."""
    return PaymentStore(client("dynamodb"), Environment.load().table_name)


@cache
def cashier() -> Cashier:
    """The cashier on the configured table and provider; the provider's key is fetched at its first use."""
    return Cashier(payment_store(), _provider(Environment.load()), utc_now)


@cache
def reconciler() -> Reconciler:
    """The reconciler on the configured tables and provider."""
    environment = ReconcileEnvironment.load()
    return Reconciler(
        PaymentStore(client("dynamodb"), environment.table_name),
        ObservationStore(client("dynamodb"), environment.observations_table_name),
        _provider(environment),
        utc_now,
    )


def _provider(environment: Environment) -> Provider:
    def api_key() -> str:
        return str(_secrets().get(environment.payment_provider_secret, max_age=_KEY_MAX_AGE_SECONDS))

    return Provider(Transport(environment.payment_provider_url, api_key))


@cache
def observer() -> Observer:
    """The observer on the configured tables."""
    environment = WebhookEnvironment.load()
    return Observer(
        PaymentStore(client("dynamodb"), environment.table_name),
        ObservationStore(client("dynamodb"), environment.observations_table_name),
    )


def signing_secrets() -> list[str]:
    """The secrets that webhooks may be signed with: `current` and, while they change, `previous`."""
    kept: Any = _secrets().get(
        WebhookEnvironment.load().payment_webhook_secret, max_age=_KEY_MAX_AGE_SECONDS, transform="json"
    )
    return [kept[name] for name in ("current", "previous") if kept.get(name)]
