"""Example events for `sam local invoke -e`: what triggers each new function."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from shared.dynamo import to_item
from shared.events import Event
from tools.console import StepError
from tools.contracts.events.contracts import contracts
from tools.settings import REPOSITORY

_EVENTS = REPOSITORY / "events"


def written(example: Mapping[str, Any]) -> str:
    """The text of an example's file."""
    return json.dumps(example, indent=2, ensure_ascii=False) + "\n"


def known_types() -> dict[str, Any]:
    """The last version of each type of event: an example of it by its contract."""
    return {
        contract.event_type: Event.model_validate(contract.example()).model_dump() for contract in contracts()
    }


def latest_versions() -> dict[str, int]:
    """The last version of each type of event."""
    return {event_type: example["event_version"] for event_type, example in known_types().items()}


def require_known(types: Iterable[str]) -> None:
    """Raises StepError with all types if no service publishes one of these."""
    if unknown := [event_type for event_type in types if event_type not in known_types()]:
        raise StepError(
            f"No service publishes {', '.join(unknown)}.",
            f"These are published: {', '.join(sorted(known_types()))}. Nothing was changed.",
        )


def batch(types: Iterable[str], queue: str) -> dict[str, Any]:
    """A batch of SQS with one event of each type."""
    return {
        "Records": [
            _message(known_types()[event_type], queue, number) for number, event_type in enumerate(types)
        ]
    }


def change(item: Mapping[str, Any], event: Mapping[str, Any], table: str) -> dict[str, Any]:
    """A table's stream with a new item, whose outbox has `event`."""
    stored = {**item, "outbox": [json.dumps(event, separators=(",", ":"))]}
    record = {
        "eventID": hashlib.md5(table.encode(), usedforsecurity=False).hexdigest(),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1795256107,
            "Keys": to_item({"pk": item["pk"]}),
            "NewImage": to_item(stored),
            "SequenceNumber": "4421584500000000017450439091",
            "SizeBytes": 1024,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}/stream/2026-11-21T10:00:00.000",
    }
    return {"Records": [record]}


def request(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's POST of `body`, as the example of the orders' API has one."""
    example: dict[str, Any] = json.loads((_EVENTS / "orders_api.json").read_text(encoding="utf-8"))
    changed: dict[str, Any] = json.loads(json.dumps(example).replace("/orders", path))
    return {**changed, "body": json.dumps(body, separators=(",", ":"))}


def step(name: str) -> dict[str, Any]:
    """A step's input, as the example of the shipping's creation has one."""
    example: dict[str, Any] = json.loads((_EVENTS / "shipping_steps_create.json").read_text(encoding="utf-8"))
    return {**example, "step": name}


def schedule(function: str) -> dict[str, Any]:
    """What a schedule of EventBridge sends."""
    return {
        "version": "0",
        "id": "5b7e31c4-5ec7-412e-82f5-13505f849b41",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-21T10:30:00Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:events:eu-central-1:123456789012:rule/cartwright-{function}Schedule"],
        "detail": {},
    }


def _message(event: Mapping[str, Any], queue: str, number: int) -> dict[str, Any]:
    body = json.dumps(event, separators=(",", ":"))
    return {
        "messageId": f"9d3c1f5a-7c4e-4d2b-8f60-2a1b3c4d5e{number:02x}",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1795334400250",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1795334400251",
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{queue}",
        "awsRegion": "eu-central-1",
    }
