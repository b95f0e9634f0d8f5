"""The catalogue's table and queue, as the template has them, in the test's pretended account."""

from typing import Any

import boto3
import pytest

from tests.component.catalog.account import BUCKET, TABLE, CatalogAccount
from tests.faults.template import Template


@pytest.fixture
def catalog(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> CatalogAccount:
    """An empty catalogue."""
    boto3.client("dynamodb").create_table(**Template().tables[TABLE])
    dead_letters = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("TABLE_NAME", TABLE)
    monkeypatch.setenv("PICTURES_BUCKET", BUCKET)
    monkeypatch.setenv("DLQ_URL", dead_letters)
    from catalog import dependencies
    from shared.aws import client

    for made in (
        dependencies.product_store,
        dependencies.upload_store,
        dependencies.upload_signer,
        dependencies.link_signer,
        client,  # of the test's own region
    ):
        made.cache_clear()
    return CatalogAccount(dependencies.product_store(), lambda_context)
