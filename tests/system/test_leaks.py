"""The search for leaks finds what is planted in the deployed stack. tests/unit/test_leaks.py has more kinds."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest

from shared.dynamo import to_item
from tools.leaks.search import findings
from tools.leaks.sources import account_ids, pieces
from tools.shop.canaries import MAIL_ADDRESS, NAME, POSTAL_ADDRESS, canary
from tools.shop.client import Customer
from tools.stack import Stack

pytestmark = pytest.mark.embedded_only("searches queues without consuming, and the mails that SES sent")

PASS = json.dumps({"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}})


@contextmanager
def logged(stack: Stack, message: str) -> Iterator[None]:
    """A line in the log of the users service, in a stream of its own."""
    logs, stream = stack.client("logs"), f"planted-{uuid4().hex}"
    where = {"logGroupName": stack.resource("UsersLogGroup"), "logStreamName": stream}
    logs.create_log_stream(**where)
    logs.put_log_events(**where, logEvents=[{"timestamp": int(time.time() * 1000), "message": message}])
    try:
        yield
    finally:
        logs.delete_log_stream(**where)


@contextmanager
def stored(stack: Stack, table: str, item: dict[str, Any]) -> Iterator[None]:
    """An item in a table."""
    dynamodb, name = stack.client("dynamodb"), stack.resource(table)
    dynamodb.put_item(TableName=name, Item=to_item(item))
    keys = dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]
    try:
        yield
    finally:
        dynamodb.delete_item(
            TableName=name, Key=to_item({key["AttributeName"]: item[key["AttributeName"]] for key in keys})
        )


@contextmanager
def executed(stack: Stack, role: str, given: str) -> Iterator[None]:
    """An execution with an input, of a state machine of its own."""
    steps = stack.client("stepfunctions")
    name = f"planted-{uuid4().hex[:8]}"
    machine = steps.create_state_machine(name=name, definition=PASS, roleArn=role)["stateMachineArn"]
    steps.start_execution(stateMachineArn=machine, input=given)
    try:
        yield
    finally:
        steps.delete_state_machine(stateMachineArn=machine)


@contextmanager
def put(stack: Stack, bucket: str, content: bytes) -> Iterator[None]:
    """An object in a bucket, which is removed with all its versions."""
    s3, where = stack.client("s3"), {"Bucket": stack.resource(bucket), "Key": f"planted/{uuid4().hex}"}
    version = s3.put_object(**where, Body=content).get("VersionId")
    try:
        yield
    finally:
        s3.delete_object(**where, **({"VersionId": version} if version else {}))


def zipped(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("orders.csv", text)
    return packed.getvalue()


def test_planted_leaks_are_found_each_in_its_place(stack: Stack, customer: Customer) -> None:
    words = [canary(NAME), canary(MAIL_ADDRESS), canary(POSTAL_ADDRESS), canary(NAME)]
    by_log, by_execution, by_archive, by_object = words
    metric = {"Metrics": [{"Name": "Orders"}], "Dimensions": [["customer"]]}
    line = json.dumps({"_aws": {"CloudWatchMetrics": [metric]}, "customer": customer.user_id})
    archived: dict[str, Any] = {
        "pk": f"ord_{uuid4().hex}",
        "sk": "1",
        "event_type": "order.placed",
        "data": {"order": {"shipping_address": {"city": by_archive}}},
    }
    role = stack.client("lambda").get_function_configuration(FunctionName=stack.resource("UsersApiFunction"))
    with ExitStack() as planted:
        planted.enter_context(logged(stack, json.dumps({"message": "signed up", "user": by_log})))
        planted.enter_context(logged(stack, line))
        planted.enter_context(stored(stack, "ArchiveTable", archived))
        planted.enter_context(executed(stack, role["Role"], json.dumps({"mail": by_execution})))
        planted.enter_context(put(stack, "ReportsBucket", zipped(f"name\n{by_object}\n")))
        accounts = account_ids(stack) | {customer.user_id}
        origins = dict.fromkeys(words, "planted")
        found = {
            (finding.store.partition(" planted")[0], finding.path, finding.kind)
            for finding in findings(pieces(stack), accounts, origins=origins)
            if finding.origin == "planted" or finding.store == "metrics"
        }

    assert found >= {
        ("log UsersLogGroup", "user", NAME),
        ("metrics", "Dimensions.customer", "account id"),
        ("ArchiveTable", "order.placed data.order.shipping_address.city", POSTAL_ADDRESS),
        ("executions of", "input.mail", MAIL_ADDRESS),
        ("bucket ReportsBucket", "content", NAME),
    }
    gone = findings(pieces(stack), accounts, origins=origins)
    assert [finding for finding in gone if finding.origin == "planted" or finding.store == "metrics"] == []


def test_what_a_closed_account_left_is_found(stack: Stack) -> None:
    word = canary(NAME)
    left = {"pk": str(uuid4()), "name": word, "outbox": [], "publishes_nothing": True}
    with stored(stack, "UsersTable", left):
        searched = list(pieces(stack))
    found = findings(searched, frozenset(), origins={word: "planted"}, closed=True)
    allowed = findings(searched, frozenset(), origins={word: "planted"})

    assert [(finding.store, finding.path) for finding in found if finding.origin == "planted"] == [
        ("UsersTable", "name")
    ]
    assert [finding for finding in allowed if finding.origin == "planted"] == []
