"""The notifications service in an empty account."""

from collections.abc import Iterator
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

from notifications import dependencies
from tests.component.notifications.account import CONFIGURATION_SET, OPERATORS_MAIL, SENDER, Service

_CACHED = (dependencies.address_book, dependencies.mailer, dependencies.sent_mails)


@pytest.fixture
def service(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for table in ("addresses", "sent"):
        boto3.client("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
    dlq_url = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)
    for name, value in {
        "TABLE_NAME": "addresses",
        "IDEMPOTENCY_TABLE_NAME": "sent",
        "MAIL_SENDER": SENDER,
        "MAIL_CONFIGURATION_SET": CONFIGURATION_SET,
        "OPERATORS_MAIL": OPERATORS_MAIL,
        "OPERATORS_LOCALE": "en",
        "DLQ_URL": dlq_url,
    }.items():
        monkeypatch.setenv(name, value)
    for cached in _CACHED:
        cached.cache_clear()
    yield Service(
        dlq_url=dlq_url,
        context=lambda_context,
        functions={
            name: reload(import_module(f"notifications.functions.{name}"))
            for name in ("record_addresses", "send_mail", "record_feedback")
        },
    )
    for cached in _CACHED:
        cached.cache_clear()
