"""The pictures bucket and the queues, in the test's pretended account."""

from typing import Any

import boto3
import pytest

from tests.component.image_processor.account import BUCKET, ImageProcessorAccount


@pytest.fixture
def account(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> ImageProcessorAccount:
    """The image processor; the test receives its outcomes in place of the catalogue."""
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    outcomes, dead_letters = (
        boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"]
        for name in ("catalog-outcomes", "image-processor-dead-letters")
    )
    monkeypatch.setenv("PICTURES_BUCKET", BUCKET)
    monkeypatch.setenv("OUTCOMES_QUEUE_URL", outcomes)
    monkeypatch.setenv("DLQ_URL", dead_letters)
    from image_processor import dependencies

    dependencies.pictures_bucket.cache_clear()
    dependencies.outcome_queue.cache_clear()
    return ImageProcessorAccount(lambda_context, dead_letters, outcomes)
