"""`make trace PERSON=...` on a stack on AWS: who looked at a person's data, from the first page to the last."""

import json
from typing import Any

import boto3
import pytest

from shared.audit_trail import EVERYBODY
from shared.dynamo import to_item
from tests.component.audit_trail import TABLE, make_audit_trail
from tests.component.shipped_template import template

from .conftest import STACK, Command, FakeCloudFormation

_MEGABYTE = 1024 * 1024
"""DynamoDB ends a page of a query after so much."""


@pytest.fixture(autouse=True)
def _tables(on_aws: FakeCloudFormation) -> None:
    make_audit_trail()
    boto3.client("dynamodb").create_table(**template().tables["UsersTable"])
    on_aws.resources |= {TABLE: TABLE, "UsersTable": "UsersTable"}


def leave_line(person: str, minute: int, *, operation: str = "read_order", **changes: Any) -> None:
    """A line as a function leaves it, of that minute of an hour."""
    line = {
        "pk": person,
        "sk": f"2026-11-30T10:{minute:02}:00.000Z#1f0c",
        "things": [f"ord_{minute}"],
        "admin_id": "olga",
        "client_id": "admins",
        "operation": operation,
        "source_ip": "203.0.113.7",
        "correlation_id": "c-1",
        "request_id": "r-1",
        "expires_at": 1_827_000_000,
        **changes,
    }
    boto3.client("dynamodb").put_item(TableName=TABLE, Item=to_item(line))


def test_the_accesses_to_a_persons_data_and_to_everybodys_are_shown_oldest_first(command: Command) -> None:
    leave_line("ada", 3)
    leave_line("eve", 2)
    leave_line(EVERYBODY, 2, operation="request_job", things=["job_1"])
    leave_line("ada", 1, operation="read_profile", things=[])

    shown = command("trace", "--person", "ada", "--stack", STACK)

    assert shown.code == 0
    assert shown.output.splitlines() == [
        "2026-11-30T10:01:00.000Z  olga from 203.0.113.7: read_profile  correlation id c-1",
        "2026-11-30T10:02:00.000Z  olga from 203.0.113.7: request_job job_1  (of everybody)  correlation id c-1",
        "2026-11-30T10:03:00.000Z  olga from 203.0.113.7: read_order ord_3  correlation id c-1",
        "Accesses of admins to the data of ada within the last year: 3",
    ]


def test_the_accesses_to_the_data_of_everybody_alone_are_shown_once(command: Command) -> None:
    leave_line(EVERYBODY, 1, operation="request_job", things=["job_1"])
    leave_line("ada", 2)
    shown = command("trace", f"--person={EVERYBODY}", "--json", "--stack", STACK)
    assert [json.loads(line)["things"] for line in shown.output.splitlines()] == [["job_1"]]


def test_as_json_each_access_is_a_line(command: Command) -> None:
    leave_line("ada", 1)
    shown = command("trace", "--person=ada", "--json", "--stack", STACK)
    assert [json.loads(line) for line in shown.output.splitlines()] == [
        {
            "at": "2026-11-30T10:01:00.000Z",
            "whose": "ada",
            "operation": "read_order",
            "things": ["ord_1"],
            "admin_id": "olga",
            "client_id": "admins",
            "source_ip": "203.0.113.7",
            "correlation_id": "c-1",
            "request_id": "r-1",
        }
    ]


def test_every_page_is_read(command: Command) -> None:
    size = _MEGABYTE // 4
    for minute in range(10):
        leave_line("ada", minute, things=["x" * size])
    first = boto3.client("dynamodb").query(
        TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "ada"}}
    )
    assert first["Count"] < 10, "the first page holds all"

    assert len(command("trace", "--person=ada", "--json", "--stack", STACK).output.splitlines()) == 10


@pytest.mark.parametrize("address", ["ada@example.com", "Ada@Example.com"])
def test_an_address_names_the_person_who_took_it_over_last(command: Command, address: str) -> None:
    for user_id, at in (("eve", 1), ("ada", 2)):
        profile = {"pk": user_id, "email": "ada@example.com", "email_as_of": at}
        boto3.client("dynamodb").put_item(TableName="UsersTable", Item=to_item(profile))
    leave_line("ada", 1)

    shown = command("trace", f"--person={address}", "--stack", STACK)
    assert "Accesses of admins to the data of ada within the last year: 1" in shown.output


def test_an_address_without_a_profile_is_said_to_be_one(command: Command) -> None:
    refused = command("trace", "--person=nobody@example.com", "--stack", STACK)
    assert refused.code == 1
    assert "has the address nobody@example.com" in refused.errors
    assert "make trace PERSON=<id>" in refused.errors


@pytest.mark.parametrize("arguments", [(), ("ord_1", "--person=ada")])
def test_a_trace_is_of_one_order_or_of_one_person(
    command: Command, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command("trace", *arguments)
    assert "ORDER" in capsys.readouterr().err
