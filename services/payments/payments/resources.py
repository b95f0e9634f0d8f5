"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from aws_lambda_powertools.utilities.parameters import SecretsProvider

from payments.cashier import Cashier
from payments.provider import Provider
from payments.store import PaymentStore
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


@cache
def cashier() -> Cashier:
    """The cashier on the configured table and provider; the provider's key is fetched at its first use."""
    environment = Environment.load()
    secrets = SecretsProvider(boto3_client=client("secretsmanager"))

    def api_key() -> str:
        return str(secrets.get(environment.payment_provider_secret, max_age=_KEY_MAX_AGE_SECONDS))

    return Cashier(
        PaymentStore(client("dynamodb"), environment.table_name),
        Provider(environment.payment_provider_url, api_key),
        utc_now,
    )
