"""The live service in a simulated account: its functions, and the API Gateway that its connections go through."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
from botocore.exceptions import ClientError

from shared.consumer import NothingConsumed
from shared.events import Event

EVENTS = Path(__file__).parents[3] / "events"
CONNECTED = json.loads((EVENTS / "live_websocket.json").read_text())["requestContext"]
CUSTOMER = CONNECTED["authorizer"]["customer_id"]
ORDER, OTHER_ORDER = f"ord_{'a' * 32}", f"ord_{'b' * 32}"


@dataclass
class Gateway:
    """API Gateway's management API: the messages to each connection, and which connections are gone or busy."""

    sent: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    closed: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    busy: set[str] = field(default_factory=set)

    def post_to_connection(self, *, ConnectionId: str, Data: bytes) -> None:  # noqa: N803 - as boto3 has them
        self._fail(ConnectionId, "PostToConnection")
        self.sent[ConnectionId].append(json.loads(Data))

    def delete_connection(self, *, ConnectionId: str) -> None:  # noqa: N803 - as boto3 has them
        self._fail(ConnectionId, "DeleteConnection")
        self.closed.append(ConnectionId)

    def _fail(self, connection_id: str, operation: str) -> None:
        if connection_id in self.gone:
            raise ClientError({"Error": {"Code": "GoneException", "Message": ""}}, operation)
        if connection_id in self.busy:
            raise ClientError({"Error": {"Code": "LimitExceededException", "Message": ""}}, operation)


@dataclass
class LiveService:
    """The deployed service."""

    gateway: Gateway
    connections: ModuleType
    push: ModuleType
    context: Any
    dead_letters: str

    def request(self, event_type: str, connection_id: str, customer_id: str, **more: Any) -> dict[str, Any]:
        authorizer = CONNECTED["authorizer"] | {"customer_id": customer_id}
        if "expires_at" in more:
            authorizer["expires_at"] = more.pop("expires_at")
        about = CONNECTED | {
            "eventType": event_type,
            "connectionId": connection_id,
            "authorizer": authorizer,
        }
        answer: dict[str, Any] = self.connections.handler({"requestContext": about, **more}, self.context)
        return answer

    def connect(self, connection_id: str = "c1", customer_id: str = CUSTOMER, **more: Any) -> int:
        return int(self.request("CONNECT", connection_id, customer_id, **more)["statusCode"])

    def ask(self, message: Any, connection_id: str = "c1", customer_id: str = CUSTOMER) -> dict[str, Any]:
        body = message if isinstance(message, str) else json.dumps(message)
        self.request("MESSAGE", connection_id, customer_id, body=body)
        return self.gateway.sent[connection_id][-1]

    def watching(self, connection_id: str = "c1", customer_id: str = CUSTOMER, **subscription: str) -> None:
        self.connect(connection_id, customer_id)
        self.ask({"action": "subscribe", **subscription}, connection_id, customer_id)
        self.gateway.sent[connection_id].clear()

    def happens(self, *events: Event) -> list[str]:
        """Delivers the events in one batch; returns the ids that the queue will deliver again."""
        records = [
            {
                "messageId": event.event_id,
                "receiptHandle": "handle",
                "body": event.model_dump_json(),
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
                "awsRegion": "eu-central-1",
            }
            for event in events
        ]
        try:
            answer = self.push.handler({"Records": records}, self.context)
        except NothingConsumed:
            return [event.event_id for event in events]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def received(self, connection_id: str = "c1") -> list[tuple[str, str]]:
        """The cursor and the status of each change that a connection received."""
        return [
            (message["cursor"], message["status"])
            for message in self.gateway.sent[connection_id]
            if message["type"] in {"order.changed", "return.changed"}
        ]

    def dead_letter_reasons(self) -> list[str]:
        """The reasons of the dead letters."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self.dead_letters, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        )
        return [
            message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])
        ]


def event(status: str, version: int, order_id: str = ORDER, customer_id: str = CUSTOMER) -> Event:
    return Event(
        event_id=f"{order_id}:{version}:order.{status}",
        event_type=f"order.{status}",
        occurred_at=f"2026-11-21T10:15:0{version}.000Z",
        aggregate_id=order_id,
        aggregate_version=version,
        correlation_id="test",
        data={"order_id": order_id, "customer_id": customer_id, "status": status},
    )


def of_return(status: str, version: int, return_id: str = "ret_1", order_id: str = ORDER) -> Event:
    """A change of one of the order's returns, which share their versions."""
    return event(status, version, order_id).model_copy(
        update={
            "event_id": f"returns-{order_id}:{version}:return.{status}",
            "event_type": f"return.{status}",
            "aggregate_id": f"returns-{order_id}",
            "data": {
                "order_id": order_id,
                "return_id": return_id,
                "customer_id": CUSTOMER,
                "status": status,
                "reason": "damaged",
                "refusal": "excluded",
            },
        }
    )


def deleted(customer_id: str = CUSTOMER) -> Event:
    return event("user.deleted", 4).model_copy(
        update={"event_type": "user.deleted", "aggregate_id": customer_id, "data": {"user_id": customer_id}}
    )
