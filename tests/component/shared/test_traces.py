"""What a function adds to the trace that Lambda makes of each invocation."""

import json
import os
import socket
import subprocess
import sys
from typing import Any

import pytest

FUNCTION = """
from moto import mock_aws

from shared.aws import client
from shared.observability import entry_point


@entry_point
def handler(event, context):
    return client("dynamodb").list_tables()


with mock_aws():
    handler({}, type("Context", (), dict.fromkeys(
        ("function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id"), "x")))
"""


@pytest.fixture
def daemon() -> Any:
    """Stands for Lambda's X-Ray daemon."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield receiver


def calls_in_trace(daemon: socket.socket, **environment: str) -> list[str]:
    """The AWS services that a function's invocation called, by the trace of it."""
    host, port = daemon.getsockname()
    set_by_lambda = {
        "LAMBDA_TASK_ROOT": "/var/task",
        "AWS_LAMBDA_FUNCTION_NAME": "x",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "POWERTOOLS_TRACE_DISABLED"}
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", FUNCTION],
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **set_by_lambda, **environment},
        check=True,
        capture_output=True,
    )
    calls: list[str] = []
    while True:
        try:
            _, segment = daemon.recv(65_536).split(b"\n", 1)
        except BlockingIOError:
            return calls
        traced = json.loads(segment)
        calls += [part["name"] for part in [traced, *traced.get("subsegments", [])] if "aws" in part]


def test_a_trace_shows_the_functions_calls_if_the_stack_wants_them(daemon: socket.socket) -> None:
    assert calls_in_trace(daemon, TRACE_CALLS="true") == ["dynamodb"]


def test_a_function_adds_nothing_to_its_trace_otherwise(daemon: socket.socket) -> None:
    assert calls_in_trace(daemon, TRACE_CALLS="false") == []
