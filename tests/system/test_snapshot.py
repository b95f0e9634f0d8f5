"""A snapshot of the embedded cloud: a server that loads it has what the other one had, at an address of its own."""

import io
import socket
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from tools.settings import (
    CLOUD_PYTHON,
    CREDENTIALS,
    HOST,
    REGION,
    REPOSITORY,
    endpoint_of,
    server_environment,
)
from tools.waiting import wait_for

pytestmark = pytest.mark.embedded_only("starts servers of its own")

NAME = "kept"
ROLE = f"arn:aws:iam::000000000000:role/{NAME}"
ANYBODY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}'


@contextmanager
def server(folder: Path, snapshot: Path) -> Iterator[str]:
    """The endpoint of an empty server that saves and loads this snapshot."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    environment = server_environment(port) | {"STATE_DIR": str(snapshot), "TMPDIR": str(folder)}
    with subprocess.Popen(  # noqa: S603 - the embedded cloud's own program
        [str(CLOUD_PYTHON), str(REPOSITORY / "tools" / "cloud" / "run_ministack.py")],
        cwd=folder,
        env=environment,
    ) as process:
        try:
            wait_for(lambda: answers(endpoint_of(port)), "the server to answer", seconds=60)
            yield endpoint_of(port)
        finally:
            process.terminate()


def answers(endpoint: str) -> bool:
    try:
        return requests.get(f"{endpoint}/_ministack/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def client(endpoint: str, service: str) -> Any:
    keys = {name.lower(): value for name, value in CREDENTIALS.items()}
    make: Any = boto3.client  # its type knows literal service names only
    return make(service, endpoint_url=endpoint, region_name=REGION, **keys)


def make_all(endpoint: str) -> None:
    """A function, its role, a queue whose URL it knows, and a table."""
    queue = client(endpoint, "sqs").create_queue(QueueName=NAME)["QueueUrl"]
    client(endpoint, "iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=ANYBODY)
    client(endpoint, "dynamodb").create_table(
        TableName=NAME,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(
            "index.py", "import os\ndef handler(event, context):\n    return os.environ['QUEUE']\n"
        )
    client(endpoint, "lambda").create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Role=ROLE,
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
        Environment={"Variables": {"QUEUE": queue}},
    )


def test_a_server_has_what_the_one_before_saved_and_shares_nothing_with_it(tmp_path: Path) -> None:
    snapshot = tmp_path / "snapshot"
    with ExitStack() as servers:
        first, second = (servers.enter_context(server(tmp_path / name, snapshot)) for name in ("one", "two"))
        make_all(first)
        requests.put(f"{first}/_cartwright/snapshot", timeout=20).raise_for_status()
        saved = (snapshot / "services.json").read_bytes()

        requests.post(f"{second}/_cartwright/snapshot", timeout=20).raise_for_status()
        requests.put(f"{second}/_cartwright/snapshot", timeout=20).raise_for_status()
        assert (snapshot / "services.json").read_bytes() == saved

        queue = client(second, "sqs").get_queue_url(QueueName=NAME)["QueueUrl"]
        answer = client(second, "lambda").invoke(FunctionName=NAME)["Payload"].read().decode()
        assert (
            answer.strip('"') == queue
            and queue.rpartition(":")[2] == f"{second.rpartition(':')[2]}/000000000000/{NAME}"
        )

        client(second, "dynamodb").put_item(TableName=NAME, Item={"pk": {"S": "of the second"}})
        client(second, "sqs").send_message(QueueUrl=queue, MessageBody="of the second")
        assert client(second, "dynamodb").scan(TableName=NAME)["Count"] == 1
        assert client(first, "dynamodb").scan(TableName=NAME)["Count"] == 0
        assert "Messages" not in client(first, "sqs").receive_message(
            QueueUrl=client(first, "sqs").get_queue_url(QueueName=NAME)["QueueUrl"]
        )
