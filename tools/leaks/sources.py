"""Everything that the embedded cloud keeps of a stack, as pieces of text, each with its place.

The search looks at queues through the back door that consumes nothing, so this is for the embedded cloud alone.
What MiniStack does not keep is not here: traces, the history of EXPRESS executions, and what a topic has delivered.
"""

import gzip
import io
import json
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.dynamo import from_item
from tools.settings import ACCOUNT
from tools.stack import Stack


@dataclass(frozen=True)
class Piece:
    """Something that is kept: `text` as a whole, which one searches, and `parsed` for the place of what one finds.

    `store` says what keeps it, as the data map names it: "OrdersTable", "log of OrdersApi", "queue OrdersErase".
    """

    store: str
    text: str
    parsed: Callable[[], Any]


def pieces(stack: Stack) -> Iterator[Piece]:
    """Everything that the stack keeps."""
    sources = (
        _tables,
        _logs,
        _executions,
        _queues,
        _objects,
        _metrics,
        _mails,
        _accounts,
        _secrets,
    )
    # One after the other: the embedded cloud answers one request at a time anyway.
    for source in sources:
        yield from source(stack)


def _json(store: str, value: Any) -> Piece:
    return Piece(store, json.dumps(value, default=str, ensure_ascii=False), lambda: value)


def _text(store: str, text: str) -> Piece:
    return Piece(store, text, lambda: text)


def _named(stack: Stack, suffix: str) -> list[tuple[str, str]]:
    """The logical and physical names of the resources whose logical name ends so."""
    return [(name, there) for name, there in sorted(stack.resources.items()) if name.endswith(suffix)]


def _tables(stack: Stack) -> Iterator[Piece]:
    dynamodb = stack.client("dynamodb")
    for name, table in _named(stack, "Table"):
        for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            for item in page["Items"]:
                text = json.dumps(item, default=str, ensure_ascii=False)
                yield Piece(name, text, partial(from_item, item))


def _logs(stack: Stack) -> Iterator[Piece]:
    """All log groups of the account: a function that logs to another group than its own would do so there."""
    logs = stack.client("logs")
    names = {there: name for name, there in stack.resources.items()}
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            store = f"log {names.get(group['logGroupName'], group['logGroupName'])}"
            for events in logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            ):
                for event in events["events"]:
                    yield _text(store, event["message"])
                    yield from metrics_in(event["message"])


def metrics_in(message: str) -> Iterator[Piece]:
    """The metrics in a line that a function logged: CloudWatch takes them from there, and MiniStack does not.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if '"_aws"' not in message:
        return
    line = json.loads(message)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        dimensions = {name: line.get(name) for names in directive["Dimensions"] for name in names}
        yield _json("metrics", {"Metrics": directive["Metrics"], "Dimensions": dimensions})


def _executions(stack: Stack) -> Iterator[Piece]:
    """The input, the output and each event of all STANDARD executions; Step Functions shows no others."""
    steps = stack.client("stepfunctions")
    machines = steps.list_state_machines()["stateMachines"]
    for machine in machines:
        if machine["type"] == "STANDARD":
            store = f"executions of {machine['name']}"
            pages = steps.get_paginator("list_executions").paginate(
                stateMachineArn=machine["stateMachineArn"]
            )
            for arn in (execution["executionArn"] for page in pages for execution in page["executions"]):
                yield _json(store, steps.describe_execution(executionArn=arn))
                for page in steps.get_paginator("get_execution_history").paginate(executionArn=arn):
                    yield _json(store, page["events"])


def _queues(stack: Stack) -> Iterator[Piece]:
    """The messages that wait in the stack's queues and dead letters."""
    names = {url.rpartition("/")[2]: name for name, url in _named(stack, "Queue")}
    for region in _back_door(stack, "sqs")["messages"].get(ACCOUNT, {}).values():
        for url, messages in region.items():
            # Any other queue belongs to who listens to the stack, such as the tests.
            if name := names.get(url.rpartition("/")[2]):
                for message in messages:
                    yield _json(f"queue {name}", message)


def _objects(stack: Stack) -> Iterator[Piece]:
    """The keys, the metadata and the content of all versions of all objects."""
    s3 = stack.client("s3")
    for name, bucket in _named(stack, "Bucket"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                wanted = {"Bucket": bucket, "Key": version["Key"]}
                if version.get("VersionId") not in {None, "null"}:
                    wanted["VersionId"] = version["VersionId"]
                found = s3.get_object(**wanted)
                about = {name: found.get(name) for name in ("Metadata", "ContentDisposition")}
                yield _json(f"bucket {name}", {"key": version["Key"], **about})
                for content in contents(found["Body"].read()):
                    yield Piece(f"bucket {name}", content, partial(dict, content=content))


def contents(body: bytes) -> Iterator[str]:
    """What an object holds, unpacked. A text within a picture's metadata stands in its bytes as it is."""
    if body[:2] == b"\x1f\x8b":
        yield from contents(gzip.decompress(body))
    elif body[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            for name in packed.namelist():
                yield name
                yield from contents(packed.read(name))
    else:
        yield body.decode("utf-8", errors="replace")


def _metrics(stack: Stack) -> Iterator[Piece]:
    """The names and the dimensions of all metrics."""
    for page in stack.client("cloudwatch").get_paginator("list_metrics").paginate():
        for metric in page["Metrics"]:
            yield _json("metrics", metric)


def _mails(stack: Stack) -> Iterator[Piece]:
    for mail in stack.sent_mails():
        yield _json("mails", mail)


def _accounts(stack: Stack) -> Iterator[Piece]:
    pages = stack.client("cognito-idp").get_paginator("list_users")
    for page in pages.paginate(UserPoolId=stack.resource("UserPool")):
        for user in page["Users"]:
            attributes = {entry["Name"]: entry["Value"] for entry in user["Attributes"]}
            yield _json("Cognito", {"username": user["Username"], **attributes})


def _secrets(stack: Stack) -> Iterator[Piece]:
    secrets, parameters = stack.client("secretsmanager"), stack.client("ssm")
    for page in secrets.get_paginator("list_secrets").paginate():
        for secret in page["SecretList"]:
            yield _text("secrets", secrets.get_secret_value(SecretId=secret["ARN"]).get("SecretString", ""))
    for page in parameters.get_paginator("describe_parameters").paginate():
        for parameter in page["Parameters"]:
            found = parameters.get_parameter(Name=parameter["Name"], WithDecryption=True)
            yield _text("parameters", found["Parameter"]["Value"])


def _back_door(stack: Stack, service: str) -> Any:
    with urllib.request.urlopen(f"{stack.endpoint}/_ministack/{service}/messages", timeout=30) as answer:  # noqa: S310 # nosec B310 - loopback
        return json.load(answer)


def account_ids(stack: Stack) -> frozenset[str]:
    """The ids of all accounts that have or had a profile."""
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.resource("UsersTable"))
    found = {str(from_item(item)["pk"]) for page in pages for item in page["Items"]}
    return frozenset(key for key in found if "#" not in key)


def waiting_closings(stack: Stack) -> list[Piece]:
    """The messages of closed accounts that a consumer has still to read.

    A message about an account that never was is none of them: a consumer may keep it for many minutes.
    """
    accounts = account_ids(stack)
    return [
        piece
        for piece in _queues(stack)
        if "user.deleted" in piece.text
        and not piece.store.endswith("DeadLetterQueue")
        and any(account in piece.text for account in accounts)
    ]
