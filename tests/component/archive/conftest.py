"""The archive in an empty account."""

from collections.abc import Iterator
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from archive import dependencies
from tests.component.archive.account import Service
from tests.component.shipped_template import template


@pytest.fixture
def service(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    boto3.client("dynamodb").create_table(**template().tables["ArchiveTable"])
    monkeypatch.setenv("TABLE_NAME", "ArchiveTable")
    monkeypatch.setenv("DLQ_URL", boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"])
    dependencies.archive_store.cache_clear()
    yield Service(lambda_context, reload(import_module("archive.functions.store_events")))
    dependencies.archive_store.cache_clear()
