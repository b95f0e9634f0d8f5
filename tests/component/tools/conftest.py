"""A stack on AWS (in moto) with an API that answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tools import waiting
from tools.__main__ import TOOLS
from tools.command_line import run

STACK = "cartwright-prod"


@dataclass
class FakeApi:
    """An HTTP API; `answers` has its answers in turn, by method and path, and the last one for ever."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    """The method and path, the token and the body of each request."""

    def answer(self, route: str, *answers: tuple[int, Any]) -> None:
        """Sets the answers to `route`, for example `GET /orders/attention`."""
        self.answers[route] = list(answers)

    def refuse(self, route: str, status: int, detail: str) -> None:
        """Has `route` answer with a problem."""
        self.answer(route, (status, {"status": status, "detail": detail}))

    def next_answer(self, route: str) -> tuple[int, Any]:
        answers = self.answers[route]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """The API of the stack."""
    fake = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            route = f"{self.command} {self.path.partition('?')[0]}"
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            fake.requests.append((route, token, json.loads(body) if body else None))
            status, content = fake.next_answer(route)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content.encode() if isinstance(content, str) else json.dumps(content).encode())

        do_POST = do_DELETE = do_GET  # noqa: N815 - the base class calls them so

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_port}"
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield fake
        server.shutdown()
        serving.join()


@dataclass
class FakeCloudFormation:
    """CloudFormation with one deployed stack; moto's own needs packages that nothing else here needs."""

    outputs: dict[str, str]
    resources: dict[str, str]
    parameters: dict[str, str] = field(default_factory=lambda: {"Stage": "dev"})
    status: str = "UPDATE_COMPLETE"

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - as boto3 names it
        """See boto3."""
        if StackName != STACK:
            error: Any = {"Error": {"Code": "ValidationError", "Message": f"{StackName} does not exist"}}
            raise ClientError(error, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()
        ]
        return {"Stacks": [{"StackStatus": self.status, "Outputs": outputs, "Parameters": parameters}]}

    def get_paginator(self, _: str) -> "FakeCloudFormation":
        """See boto3; the only list that is asked for is that of the resources."""
        return self

    def paginate(self, *, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - as boto3 names it
        """See boto3."""
        self.describe_stacks(StackName=StackName)
        return [
            {
                "StackResourceSummaries": [
                    {"LogicalResourceId": logical_id, "PhysicalResourceId": physical_id}
                    for logical_id, physical_id in self.resources.items()
                ]
            }
        ]


@pytest.fixture
def on_aws(aws: None, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeCloudFormation:
    """A deployed stack with two functions, a user pool and the API; no admin is named."""
    named = ("STACK", "REGION", "TOKEN", "ADMIN_EMAIL", "ADMIN_PASSWORD", "PASSWORD", "AWS_ENDPOINT_URL")
    for name in named:
        monkeypatch.delenv(name, raising=False)
    make: Any = boto3.client
    cognito = make("cognito-idp")
    pool = cognito.create_user_pool(PoolName="users", UsernameAttributes=["email"])["UserPool"]["Id"]
    for group in ("admin", "customer"):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="app", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    admins_client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="admins", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )
    make("logs").create_log_group(logGroupName=f"{STACK}-OrdersLogGroup-5E6F")
    resources = {
        "OrdersApiFunction": f"{STACK}-OrdersApiFunction-1A2B",
        "OrdersRelayFunction": f"{STACK}-OrdersRelayFunction-3C4D",
        "OrdersLogGroup": f"{STACK}-OrdersLogGroup-5E6F",
        "UserPool": pool,
        "UserPoolClient": client["UserPoolClient"]["ClientId"],
        "AdminUserPoolClient": admins_client["UserPoolClient"]["ClientId"],
    }
    deployed = FakeCloudFormation({"ApiUrl": api.url, "LiveUrl": "wss://live.example.com/v1"}, resources)

    def client_of(service: str, **options: Any) -> Any:
        return deployed if service == "cloudformation" else make(service, **options)

    monkeypatch.setattr(boto3, "client", client_of)
    # A command that makes this process patient leaves the other tests as they are.
    monkeypatch.setattr(waiting, "_pace", dict(waiting._pace))
    return deployed


@dataclass
class Outcome:
    """The end of a command: its exit code, and its output and its errors as a user sees them."""

    code: int
    output: str
    errors: str


type Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `python -m tools <arguments>` in this process."""

    def run_command(*arguments: str) -> Outcome:
        code = run(arguments, TOOLS, description=None)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command
