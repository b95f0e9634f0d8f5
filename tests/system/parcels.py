"""Parcels that leave when a test says so, and not when they are packed."""

import json

from tools.stack import Stack


def confirmed_event(order_id: str) -> str:
    """The body of the order's `order.confirmed`, as it went to the consumers."""
    return json.dumps(
        {
            "event_id": f"{order_id}:2:order.confirmed",
            "event_type": "order.confirmed",
            "event_version": 1,
            "occurred_at": "2030-01-01T00:00:00.000Z",
            "aggregate_id": order_id,
            "aggregate_version": 2,
            "correlation_id": "test",
            "data": {"order_id": order_id},
        }
    )


def hand_over(stack: Stack, order_id: str) -> None:
    """Has the parcel of a confirmed order handed to the carrier at once, as if packing were done."""
    stack.client("sqs").send_message(
        QueueUrl=stack.resource("ShippingDispatchQueue"),
        MessageBody=confirmed_event(order_id),
        DelaySeconds=0,
    )
