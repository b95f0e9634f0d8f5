"""The cleanup's steps through their real handlers, and the machine that puts them together."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module, reload
from typing import Any

import boto3
import pytest

import catalog.dependencies
import cleanup.dependencies
from catalog.adapters.upload_store import UploadStore
from catalog.domain.orphans import RENDITION_GRACE
from catalog.domain.upload import Upload, UploadStatus
from cleanup.domain.runs import SweepFailed, UnreadableRequest
from shared.aws import client
from shared.clock import utc_now
from shared.dynamo import to_item
from tests.component.shipped_template import template

PICTURES, REPORTS = "pictures", "cleanup-reports"
RESOURCES = (
    catalog.dependencies.product_store,
    catalog.dependencies.upload_store,
    cleanup.dependencies.cleanup_bucket,
)


@dataclass
class Account:
    """The owners' tables and buckets, and the steps of the cleanup."""

    context: Any
    monkeypatch: pytest.MonkeyPatch

    def run(self, step: str, table: str, event: dict[str, Any]) -> dict[str, Any]:
        """A step's answer."""
        self.monkeypatch.setenv("TABLE_NAME", table)
        _forget()
        answer: dict[str, Any] = reload(import_module(step)).handler(event, self.context)
        return answer

    def sweep_renditions(self, *, dry_run: bool = False, after: str | None = None) -> dict[str, Any]:
        """A run of the catalogue's sweep, far enough in the future that everything stored is old."""
        return self.sweep_later(
            "catalog.functions.sweep_renditions", RENDITION_GRACE + timedelta(days=1), dry_run, after
        )

    def sweep_later(
        self, step: str, later: timedelta, dry_run: bool = False, after: str | None = None
    ) -> dict[str, Any]:
        """A run of a sweep of the catalogue in the future, as everything that is stored here is new."""
        with self.monkeypatch.context() as patched:
            patched.setattr("shared.clock.utc_now", lambda: utc_now() + later)
            return self.run(step, "CatalogTable", {"dry_run": dry_run, "after": after})

    def pictures(self) -> list[str]:
        """What the pictures bucket holds."""
        found = boto3.client("s3").list_objects_v2(Bucket=PICTURES).get("Contents", [])
        return [entry["Key"] for entry in found]

    def report(self, key: str) -> dict[str, Any]:
        """A report of the cleanup."""
        body = boto3.client("s3").get_object(Bucket=REPORTS, Key=key)["Body"]
        found: dict[str, Any] = json.loads(body.read())
        return found


@pytest.fixture
def account(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    boto3.client("dynamodb").create_table(**template().tables["CatalogTable"])
    for bucket in (PICTURES, REPORTS):
        boto3.client("s3").create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
    lambda_context.get_remaining_time_in_millis = lambda: 300_000
    monkeypatch.setenv("PICTURES_BUCKET", PICTURES)
    monkeypatch.setenv("CLEANUP_BUCKET", REPORTS)
    yield Account(lambda_context, monkeypatch)
    _forget()


def _forget() -> None:
    for made in RESOURCES:
        made.cache_clear()


# Renditions

SHOWN, ORPHAN, GONE = (
    "renditions/TEA-1/p1/200.jpg",
    "renditions/TEA-1/p2/200.jpg",
    "renditions/TEA-9/p1/200.jpg",
)
FOREIGN, UPLOAD = "renditions/readme.txt", "uploads/TEA-1/u1"


def fill(account: Account) -> None:
    client("dynamodb").put_item(
        TableName="CatalogTable", Item=to_item({"pk": "TEA-1", "pictures": [{"picture_id": "p1"}]})
    )
    for key in (SHOWN, ORPHAN, GONE, FOREIGN, UPLOAD):
        boto3.client("s3").put_object(Bucket=PICTURES, Key=key, Body=b"x")


def test_renditions_that_no_product_shows_are_removed_and_nothing_else(account: Account):
    fill(account)

    assert account.sweep_renditions() == {"seen": 4, "removed": 2, "next": None}
    assert account.pictures() == [SHOWN, FOREIGN, UPLOAD]
    assert account.sweep_renditions() == {"seen": 2, "removed": 0, "next": None}


def test_a_rendition_whose_event_may_still_come_is_left(account: Account):
    fill(account)
    answer = account.run("catalog.functions.sweep_renditions", "CatalogTable", {"dry_run": False})
    assert answer["removed"] == 0
    assert ORPHAN in account.pictures()


def test_a_dry_run_counts_renditions_and_leaves_them(account: Account):
    fill(account)
    assert account.sweep_renditions(dry_run=True)["removed"] == 2
    assert ORPHAN in account.pictures()


def test_a_sweep_that_runs_out_of_time_goes_on_where_it_ended(account: Account):
    fill(account)
    account.monkeypatch.setattr("catalog.adapters.picture_objects._PAGE", 2)
    times = iter([300_000, 1_000])
    account.context.get_remaining_time_in_millis = lambda: next(times)

    first = account.sweep_renditions()
    assert (first["seen"], first["next"]) == (2, ORPHAN)
    account.context.get_remaining_time_in_millis = lambda: 300_000
    second = account.sweep_renditions(after=first["next"])

    assert (second["seen"], second["next"]) == (2, None)
    assert account.pictures() == [SHOWN, FOREIGN, UPLOAD]


# Uploads

READY, REFUSED, AWAITED, NOBODYS = (f"uploads/TEA-1/{letter * 32}" for letter in "abcd")


def fill_uploads(account: Account) -> None:
    store = UploadStore(client("dynamodb"), "CatalogTable")
    for key, status in ((READY, "ready"), (REFUSED, "refused"), (AWAITED, "awaited")):
        _, sku, upload_id = key.split("/")
        store.record(Upload(sku=sku, upload_id=upload_id, status=UploadStatus(status)), [], now=utc_now())
    for key in (READY, REFUSED, AWAITED, NOBODYS, "uploads/readme.txt", ORPHAN):
        boto3.client("s3").put_object(Bucket=PICTURES, Key=key, Body=b"x")


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (timedelta(hours=23), [READY, REFUSED, AWAITED, NOBODYS]),
        (timedelta(hours=25), [AWAITED]),
        (timedelta(days=8), []),
    ],
)
def test_an_upload_goes_after_a_day_and_one_that_can_be_tried_again_after_a_week(
    account: Account, later: timedelta, left: list[str]
):
    fill_uploads(account)

    swept = account.sweep_later("catalog.functions.sweep_uploads", later)

    assert swept == {"seen": 5, "removed": 4 - len(left), "next": None}
    assert account.pictures() == [ORPHAN, *left, "uploads/readme.txt"]
    assert account.sweep_later("catalog.functions.sweep_uploads", later)["removed"] == 0


def test_a_dry_run_counts_uploads_and_leaves_them(account: Account):
    fill_uploads(account)

    assert (
        account.sweep_later("catalog.functions.sweep_uploads", timedelta(days=2), dry_run=True)["removed"]
        == 3
    )
    assert READY in account.pictures()


# The summary

SWEEPS = [
    {"name": "uploads", "counts": {"seen": 3, "removed": 2}},
    {"name": "renditions", "counts": {"seen": 9, "removed": 1}, "next": "renditions/B"},
]
KEY = "runs/2026-11-21/run-1.json"
PLACES: dict[str, str | None] = {"renditions": None, "uploads": None}


def summarize(account: Account, *sweeps: dict[str, Any], dry_run: bool = False) -> dict[str, Any]:
    plan = account.run("cleanup.functions.begin", "", {"dry_run": dry_run})
    event = {"run": "run-1", "started_at": "2026-11-21T02:00:00Z", "dry_run": dry_run, "plan": plan}
    return account.run("cleanup.functions.summarize", "", event | {"sweeps": list(sweeps)})


def test_a_run_leaves_a_report_and_where_to_go_on(account: Account, capsys: pytest.CaptureFixture[str]):
    assert summarize(account, *SWEEPS)["report_key"] == KEY

    assert account.report(KEY)["sweeps"] == {
        "uploads": {"seen": 3, "removed": 2, "finished": True},
        "renditions": {"seen": 9, "removed": 1, "finished": False},
    }
    assert account.run("cleanup.functions.begin", "", {})["after"] == PLACES | {"renditions": "renditions/B"}
    assert '"SweptUploadsRemoved":[2.0]' in capsys.readouterr().out


def test_a_dry_run_leaves_a_report_alone(account: Account, capsys: pytest.CaptureFixture[str]):
    summarize(account, *SWEEPS, dry_run=True)

    assert account.report(KEY)["dry_run"] is True
    assert account.run("cleanup.functions.begin", "", {})["after"] == PLACES
    assert "Swept" not in capsys.readouterr().out


def test_a_sweep_that_failed_fails_the_run_once_the_others_are_written_down(account: Account):
    summarize(account, *SWEEPS)
    failed = {"name": "renditions", "error": {"Error": "NotRemoved", "Cause": "a secret"}}

    with pytest.raises(SweepFailed, match="renditions"):
        summarize(account, SWEEPS[0], failed)

    report = account.report(KEY)
    assert report["sweeps"]["renditions"] == {"finished": False, "error": "NotRemoved"}
    assert "a secret" not in json.dumps(report)
    assert account.run("cleanup.functions.begin", "", {})["after"] == PLACES | {"renditions": "renditions/B"}


@pytest.mark.parametrize("wish", ["yes", 1, None])
def test_a_run_that_is_asked_for_unclearly_does_nothing(account: Account, wish: Any):
    with pytest.raises(UnreadableRequest):
        account.run("cleanup.functions.begin", "", {"dry_run": wish})
