"""docs/encryption.md says how long each store of the template keeps what is in it, and why."""

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

import pytest

from catalog.adapters import import_store
from catalog.domain.upload import RETENTION as UPLOADS_EXPIRE_AFTER
from jobs.adapters import job_store
from live.adapters import live_store
from live.domain.connection import LONGEST_CONNECTION
from live.domain.feed import CHANGES_EXPIRE_AFTER, VERSIONS_EXPIRE_AFTER
from notifications.adapters import sent_mails
from payments.adapters.observation_store import EVENT_LIFETIME_SECONDS
from payments_sandbox import adapters as sandbox
from shared import audit_trail
from tools.bill.declared import Declared
from tools.contracts.deployed import deployed
from tools.settings import REPOSITORY

PRODUCTION = Declared.for_production()
RESOURCES = Declared(deployed(), PRODUCTION.parameters | {"PaymentProviderUrl": ""}).resources
STORES = {
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::Logs::LogGroup",
    "AWS::Cognito::UserPool",
    "AWS::SecretsManager::Secret",
}
# What has no data of its own in it.
KEEP_NOTHING = {
    "AWS::ApiGateway",
    "AWS::ApiGatewayV2",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda",
    "AWS::SES",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::StepFunctions::StateMachine",
}
# The lives of the items that expire, by the code that writes them.
LIVES = {
    "AuditTrailTable": [audit_trail.KEPT_FOR],
    "CatalogTable": [UPLOADS_EXPIRE_AFTER],
    "CatalogImportsTable": [import_store._RETENTION],
    "JobsTable": [job_store._EXPIRES_AFTER],
    "LiveTable": [
        CHANGES_EXPIRE_AFTER,
        VERSIONS_EXPIRE_AFTER,
        live_store._ERASURE_EXPIRES_AFTER,
        LONGEST_CONNECTION,
    ],
    "NotificationsIdempotencyTable": [sent_mails._KEPT],
    "PaymentsObservationsTable": [timedelta(seconds=EVENT_LIFETIME_SECONDS)],
    "PaymentsSandboxTable": [timedelta(seconds=sandbox._KEY_LIFETIME_SECONDS)],
    "UsersTable": [timedelta(hours=1)],
}
_ROW = re.compile(r"^\| (`[^|]+`) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_FIGURE = re.compile(r"\b(\d+|an) (day|hour)s?\b")


def rows() -> dict[str, tuple[str, str]]:
    """What each pattern of names is kept for, and why; the first pattern that fits a name counts."""
    page = (REPOSITORY / "docs" / "encryption.md").read_text(encoding="utf-8")
    return {
        pattern: (kept, why)
        for names, kept, why in _ROW.findall(page)
        for pattern in re.findall(r"`([^`]+)`", names)
    }


def pattern_for(name: str) -> str:
    """The row of a store; empty if it has none."""
    return next((pattern for pattern in rows() if fnmatchcase(name, pattern)), "")


def kept_for(name: str) -> str:
    """How long a store keeps what is in it, in the words of its row."""
    return rows()[pattern_for(name)][0]


def figures(text: str) -> set[timedelta]:
    """The times in a text."""
    return {
        timedelta(**{f"{unit}s": 1 if number == "an" else int(number)})
        for number, unit in _FIGURE.findall(text)
    }


def of_type(kind: str) -> dict[str, Any]:
    """The properties of the resources of a type, by name."""
    return {
        name: resource.get("Properties", {})
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


def test_every_store_has_a_row_with_a_reason_and_every_row_a_store() -> None:
    stores = [name for name, resource in RESOURCES.items() if resource["Type"] in STORES]
    assert [name for name in stores if not pattern_for(name)] == []
    assert rows().keys() - {pattern_for(name) for name in stores} == set()
    assert all(kept and len(why) > 10 for kept, why in rows().values())


def test_a_new_kind_of_resource_is_a_store_or_keeps_nothing() -> None:
    kinds = {resource["Type"] for resource in RESOURCES.values()} - STORES
    assert {
        k for k in kinds if not any(k == known or k.startswith(f"{known}::") for known in KEEP_NOTHING)
    } == set()


@pytest.mark.parametrize("name", of_type("AWS::Logs::LogGroup"))
def test_a_log_is_kept_for_as_long_as_its_row_says(name: str) -> None:
    assert figures(kept_for(name)) == {
        timedelta(days=int(of_type("AWS::Logs::LogGroup")[name]["RetentionInDays"]))
    }


@pytest.mark.parametrize("name", of_type("AWS::SQS::Queue"))
def test_a_queue_keeps_its_messages_for_as_long_as_its_row_says(name: str) -> None:
    seconds = of_type("AWS::SQS::Queue")[name]["MessageRetentionPeriod"]
    assert figures(kept_for(name)) == {timedelta(seconds=seconds)}


def test_dead_letters_are_kept_for_the_longest_time_and_longer_than_in_their_queue() -> None:
    """A message's age counts from its first sending, also in the dead-letter queue."""
    kept = {name: queue["MessageRetentionPeriod"] for name, queue in of_type("AWS::SQS::Queue").items()}
    dead = {name: seconds for name, seconds in kept.items() if name.endswith("DeadLetterQueue")}
    assert set(dead.values()) == {1209600}
    assert all(seconds < 1209600 for name, seconds in kept.items() if name not in dead)


def test_a_sent_mail_is_remembered_for_longer_than_its_event_lies_in_queues() -> None:
    kept = of_type("AWS::SQS::Queue")
    queues = ("NotificationsSendMailQueue", "NotificationsSendMailDeadLetterQueue")
    waits = timedelta(seconds=sum(kept[name]["MessageRetentionPeriod"] for name in queues))
    assert waits < sent_mails._KEPT


@pytest.mark.parametrize("name", of_type("AWS::S3::Bucket"))
def test_a_bucket_removes_what_its_row_says(name: str) -> None:
    bucket = of_type("AWS::S3::Bucket")[name]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    by_prefix = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    promised = dict(re.findall(r"`(\w+/)` (\d+) days?", kept_for(name)))
    assert {prefix: int(days) for prefix, days in promised.items()} == by_prefix
    parts = [
        rule["AbortIncompleteMultipartUpload"] for rule in rules if "AbortIncompleteMultipartUpload" in rule
    ]
    assert parts == [{"DaysAfterInitiation": 1}]
    assert "unfinished uploads, 1 day" in kept_for(name)


@pytest.mark.parametrize("name", of_type("AWS::S3::Bucket"))
def test_an_earlier_version_of_an_object_goes_in_the_end(name: str) -> None:
    bucket = of_type("AWS::S3::Bucket")[name]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    days = [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    ]
    if bucket.get("VersioningConfiguration", {}).get("Status") == "Enabled":
        assert [f"earlier versions, {number} days" in kept_for(name) for number in days] == [True]
    else:
        assert not days
        assert "version" not in kept_for(name)


@pytest.mark.parametrize("name", of_type("AWS::DynamoDB::Table"))
def test_the_items_of_a_table_expire_as_its_row_says(name: str) -> None:
    expires = of_type("AWS::DynamoDB::Table")[name].get("TimeToLiveSpecification", {}).get("Enabled", False)
    assert (name in LIVES) is expires
    assert figures(kept_for(name)) == set(LIVES.get(name, []))


def test_the_backups_of_a_table_go_back_as_far_as_the_page_says() -> None:
    """35 days is what DynamoDB does without a period of one's own."""
    backups = [
        table["PointInTimeRecoverySpecification"]
        for table in of_type("AWS::DynamoDB::Table").values()
        if "PointInTimeRecoverySpecification" in table
    ]
    assert "RecoveryPeriodInDays" not in set(chain.from_iterable(backups))
