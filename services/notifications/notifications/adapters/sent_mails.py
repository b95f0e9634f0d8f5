"""The idempotency table: the events whose mail was sent, for the Powertools idempotency utility.

A record's `pk` is a hash of the event id; the record expires by `expires_at`.

A mail has no natural key that could make it idempotent, so the function stores a claim on the event before it sends the
mail. If SQS delivers the event twice at once, the second delivery fails and comes again. If the function dies half-way,
its claim ends with the invocation's time. A failed mail leaves no record, so a redrive of the dead letters sends it.
"""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

# An event can wait in the queue for 4 days and then in the dead-letter queue for 14 days. Records outlive both.
_EXPIRES_AFTER_SECONDS = 30 * 24 * 60 * 60


class SentMails:
    """Remembers each event whose mail was sent."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._records = DynamoDBPersistenceLayer(
            table_name=table_name, key_attr="pk", expiry_attr="expires_at", boto3_client=dynamodb
        )
        self._config = IdempotencyConfig(
            event_key_jmespath="event_id",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=_EXPIRES_AFTER_SECONDS,
            hash_function="sha256",
        )

    def once[**Arguments](
        self, send: Callable[Arguments, dict[str, str]]
    ) -> Callable[Arguments, dict[str, str]]:
        """`send`, which takes the keyword argument `event`, so that it runs once for each event id."""
        sends_once: Callable[Arguments, dict[str, str]] = idempotent_function(
            send,
            data_keyword_argument="event",
            persistence_store=self._records,
            config=self._config,
            key_prefix="mail",
        )
        return sends_once

    def limit_claims(self, context: LambdaContext) -> None:
        """Lets the claims of this invocation end when its time does."""
        self._config.register_lambda_context(context)
