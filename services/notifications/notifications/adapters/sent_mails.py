"""The idempotency table: the events whose mail was sent.

A record's `pk` is "mail#" and a hash of the event id; the record expires by `expires_at`.

A mail has no natural key that could make it idempotent, so the function stores a claim on the event before it sends the
mail. If SQS delivers the event twice at once, the second delivery fails and comes again. If the function dies half-way,
its claim ends with the invocation's time. A failed mail leaves no record, so a redrive of the dead letters sends it.

The records have the form of Powertools' idempotency utility, which earlier versions used: they stay good.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from shared.clock import utc_now
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError

# An event can wait in the queue for 4 days and then in the dead-letter queue for 14 days. Records outlive both.
_KEPT = timedelta(days=30)

_CLAIMED = "INPROGRESS"
_SENT = "COMPLETED"
_NAMES = {"#status": "status"}


class MailInProgress(TransientError):
    """Another delivery of the same event is at its mail."""


class SentMails:
    """Remembers each event whose mail was sent."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._claims_end = datetime.max.replace(tzinfo=UTC)

    def once(self, event_id: str, send: Callable[[], dict[str, str]]) -> None:
        """Calls `send`, unless it was called for this event; raises MailInProgress, and the errors of `send`."""
        key = {"pk": f"mail#{sha256(json.dumps(event_id).encode()).hexdigest()}"}
        if not self._claim(key):
            return
        try:
            outcome = send()
        except Exception:
            self._dynamodb.delete_item(TableName=self._table, Key=to_item(key))
            raise
        self._dynamodb.update_item(
            TableName=self._table,
            Key=to_item(key),
            UpdateExpression="SET #status = :sent, expires_at = :expires_at, #data = :outcome",
            ExpressionAttributeNames={**_NAMES, "#data": "data"},
            ExpressionAttributeValues=to_item(
                {":sent": _SENT, ":expires_at": _seconds(utc_now() + _KEPT), ":outcome": json.dumps(outcome)}
            ),
        )

    def limit_claims(self, context: LambdaContext) -> None:
        """Lets the claims of this invocation end when its time does."""
        self._claims_end = utc_now() + timedelta(milliseconds=context.get_remaining_time_in_millis())

    def _claim(self, key: dict[str, str]) -> bool:
        """Claims the event's mail; False if it was sent. Raises MailInProgress if another delivery has the claim."""
        now = utc_now()
        claim = {
            **key,
            "status": _CLAIMED,
            "expires_at": _seconds(now + _KEPT),
            "in_progress_expiration": _milliseconds(self._claims_end),
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item(claim),
                ConditionExpression=(
                    "attribute_not_exists(pk) OR expires_at < :now"
                    " OR (#status = :claimed AND in_progress_expiration < :now_in_milliseconds)"
                ),
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues=to_item(
                    {
                        ":now": _seconds(now),
                        ":claimed": _CLAIMED,
                        ":now_in_milliseconds": _milliseconds(now),
                    }
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            stored: Any = error.response
            if from_item(stored["Item"])["status"] == _SENT:
                return False
            raise MailInProgress(key["pk"]) from error
        return True


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
