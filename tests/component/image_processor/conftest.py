"""The pictures bucket, the queues and the topic, in the test's pretended account."""

from typing import Any

import boto3
import pytest

from tests.component.image_processor.account import BUCKET, ImageProcessorAccount, Make


@pytest.fixture
def make(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch, subscriber: Any) -> Make:
    """Makes the image processor; the test receives its events of one type."""

    def made(event_type: str) -> ImageProcessorAccount:
        received = subscriber(event_type)
        boto3.client("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        dead_letters = boto3.client("sqs").create_queue(QueueName="image-processor-dead-letters")["QueueUrl"]
        monkeypatch.setenv("PICTURES_BUCKET", BUCKET)
        monkeypatch.setenv("DLQ_URL", dead_letters)
        from image_processor import dependencies

        dependencies.pictures_bucket.cache_clear()
        dependencies.publisher.cache_clear()
        return ImageProcessorAccount(lambda_context, dead_letters, received)

    return made


@pytest.fixture
def account(make: Make) -> ImageProcessorAccount:
    """The image processor; the test receives its `product.image_ready`."""
    return make("product.image_ready")
