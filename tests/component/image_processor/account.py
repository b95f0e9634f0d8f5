"""The image processor in a pretended account: its bucket, its queues, and S3's notifications."""

import json
from typing import Any
from urllib.parse import quote_plus

import boto3

from shared.consumer import NothingConsumed

BUCKET = "pictures"
UPLOADED_AT = "2026-11-21T10:15:00.125Z"


def notification(*keys: str) -> str:
    """S3's notification of new objects, their keys encoded as S3 does."""
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventSource": "aws:s3",
                    "awsRegion": "eu-central-1",
                    "eventTime": UPLOADED_AT,
                    "eventName": "ObjectCreated:Post",
                    "s3": {
                        "s3SchemaVersion": "1.0",
                        "bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"},
                        "object": {
                            "key": quote_plus(key, safe="/"),
                            "size": 1,
                            "eTag": "e",
                            "sequencer": "01",
                        },
                    },
                }
                for key in keys
            ]
        }
    )


class ImageProcessorAccount:
    """The function, fed with messages, and its stored objects and events."""

    def __init__(self, context: Any, dead_letters: str, outcomes: str) -> None:
        self._context = context
        self._dead_letters = dead_letters
        self._outcomes = outcomes
        self._s3: Any = boto3.client("s3")

    def upload(self, key: str, content: bytes, **metadata: str) -> None:
        """Puts an object into the bucket."""
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=content, Metadata=metadata)

    def deliver(self, *bodies: str) -> list[str]:
        """Delivers messages to the function; the ids of the messages that the queue delivers again."""
        from image_processor.functions.render import handler

        records: list[dict[str, Any]] = [
            {
                "messageId": f"m-{number}",
                "receiptHandle": "r",
                "body": body,
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:uploads",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies)
        ]
        try:
            answer = handler({"Records": records}, self._context)
        except NothingConsumed:  # the whole batch comes again
            return [record["messageId"] for record in records]
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def process(self, key: str, content: bytes, **metadata: str) -> list[dict[str, Any]]:
        """Uploads a picture and delivers S3's notification; the outcomes that the function then sent."""
        self.upload(key, content, **metadata)
        assert self.deliver(notification(key)) == []
        return self.events()

    def events(self) -> list[dict[str, Any]]:
        """The outcomes that the catalogue's queue got since the last call."""
        answer = boto3.client("sqs").receive_message(QueueUrl=self._outcomes, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def objects(self, prefix: str = "renditions/") -> dict[str, bytes]:
        """The bucket's objects under `prefix`."""
        listed = self._s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {entry["Key"]: self.head(entry["Key"])["Body"].read() for entry in listed}

    def head(self, key: str) -> dict[str, Any]:
        """An object with its headers."""
        found: dict[str, Any] = self._s3.get_object(Bucket=BUCKET, Key=key)
        return found

    def dead_letters(self) -> list[tuple[str, str]]:
        """The dead letters, each with its reason."""
        answer = boto3.client("sqs").receive_message(
            QueueUrl=self._dead_letters, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        return [
            (letter["Body"], letter["MessageAttributes"]["reason"]["StringValue"])
            for letter in answer.get("Messages", [])
        ]
