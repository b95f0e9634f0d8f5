"""Wires the service's functions to its tables and the provider, once per execution environment."""

import json
from functools import cache
from typing import TYPE_CHECKING

from payments.adapters.payment_store import PaymentStore
from payments.adapters.provider import StripeProvider
from payments.adapters.transport import Transport
from payments.domain.payment_service import PaymentService
from shared.aws import client
from shared.clock import utc_now
from shared.environment import LambdaEnvironment
from shared.secrets import Secrets

if TYPE_CHECKING:
    from payments.domain.difference_resolver import DifferenceResolver
    from payments.domain.provider_event_recorder import ProviderEventRecorder
    from shared.order_record import OrderRecord

# Anyone may send a webhook with a wrong signature: those cause at most one reading in this time.
_READ_AGAIN_AFTER_SECONDS = 1


class SecretsEnvironment(LambdaEnvironment):
    """How long a function keeps a secret: one that was rotated may count for so long."""

    secret_max_age_seconds: float = 300.0


class Environment(LambdaEnvironment):
    """The environment variables of the functions that call the provider."""

    table_name: str
    payment_provider_url: str
    payment_provider_secret: str


class ReconcileEnvironment(Environment):
    """The environment variables of `reconcile`."""

    observations_table_name: str


class WebhookEnvironment(LambdaEnvironment):
    """The environment variables of `webhook`."""

    table_name: str
    observations_table_name: str
    payment_webhook_secret: str


@cache
def _secrets() -> Secrets:
    return Secrets(client("secretsmanager"), max_age_seconds=SecretsEnvironment.load().secret_max_age_seconds)


@cache
def payment_store() -> PaymentStore:
    """The payments table's store."""
    return PaymentStore(client("dynamodb"), Environment.load().table_name)


@cache
def payment_service() -> PaymentService:
    """The payment service on the configured table and provider; the provider's key is fetched at its first use."""
    return PaymentService(payment_store(), _provider(Environment.load()), utc_now)


@cache
def order_record() -> "OrderRecord":
    """What the records of orders alone have."""
    # Imported here, since only the saga's step reads it.
    from shared.order_record import OrderRecord, OrdersTable  # noqa: PLC0415

    return OrderRecord(client("dynamodb"), OrdersTable.load().orders_table_name)


@cache
def difference_resolver() -> "DifferenceResolver":
    """The difference resolver on the configured tables and provider."""
    # Imported here, as below: the provider's events need pydantic, with which the other functions would start slower.
    from payments.adapters.observation_store import ObservationStore  # noqa: PLC0415
    from payments.domain.difference_resolver import DifferenceResolver  # noqa: PLC0415

    environment = ReconcileEnvironment.load()
    return DifferenceResolver(
        PaymentStore(client("dynamodb"), environment.table_name),
        ObservationStore(client("dynamodb"), environment.observations_table_name),
        _provider(environment),
        utc_now,
    )


def _provider(environment: Environment) -> StripeProvider:
    def api_key() -> str:
        return _secrets().get(environment.payment_provider_secret)

    def renewed_api_key() -> str:
        return _secrets().get(environment.payment_provider_secret, max_age_seconds=0)

    return StripeProvider(
        Transport(environment.payment_provider_url, api_key, renewed_api_key=renewed_api_key)
    )


@cache
def provider_event_recorder() -> "ProviderEventRecorder":
    """The recorder of the provider's events on the configured tables."""
    from payments.adapters.observation_store import ObservationStore  # noqa: PLC0415
    from payments.domain.provider_event_recorder import ProviderEventRecorder  # noqa: PLC0415

    environment = WebhookEnvironment.load()
    return ProviderEventRecorder(
        PaymentStore(client("dynamodb"), environment.table_name),
        ObservationStore(client("dynamodb"), environment.observations_table_name),
        utc_now,
    )


def signing_secrets(*, renewed: bool = False) -> list[str]:
    """The secrets that may sign webhooks: `current` and, during a rotation, `previous`.

    If `renewed`, they are read again, unless the last reading was a moment ago.
    """
    secret_id = WebhookEnvironment.load().payment_webhook_secret
    stored = json.loads(
        _secrets().get(secret_id, max_age_seconds=_READ_AGAIN_AFTER_SECONDS if renewed else None)
    )
    return [stored[name] for name in ("current", "previous") if stored.get(name)]
