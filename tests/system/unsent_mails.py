"""The mails that the shop decided not to send. Each event that there is a mail about leaves a record."""

import json
from hashlib import sha256

from shared.dynamo import from_item, to_item
from tools.stack import Stack


def why_unsent(stack: Stack, event_id: str) -> str | None:
    """The reason why no mail about this event is ever sent; None if it is sent, or not decided yet."""
    key = f"mail#{sha256(json.dumps(event_id).encode()).hexdigest()}"
    answer = stack.client("dynamodb").get_item(
        TableName=stack.resource("NotificationsIdempotencyTable"),
        Key=to_item({"pk": key}),
        ConsistentRead=True,
    )
    outcome = from_item(answer.get("Item", {})).get("data")
    reason: str | None = json.loads(outcome).get("skipped") if outcome else None
    return reason
