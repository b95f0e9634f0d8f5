"""The sandbox provider in process: its handler on pretended tables, and served over HTTP on loopback."""

import importlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from shared.aws import client
from tests.component.rest_events import rest_event

KEY = "sk_test_sandbox"
Handler = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class HttpRequest:
    """One request that a loopback server received; `path` is without the query."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpAnswer:
    """The server's answer to it."""

    status: int
    body: bytes
    content_type: str = "application/json"


@contextmanager
def serving(answer: Callable[[HttpRequest], HttpAnswer | None]) -> Iterator[str]:
    """Serves `answer` on loopback, one request at a time as an execution environment does; gives the URL.

    If `answer` gives None, the connection ends without an answer, as for a caller who stopped waiting.
    """
    one_at_a_time = threading.Lock()

    class Server(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            with one_at_a_time:
                said = answer(HttpRequest(self.command, url.path, url.query, dict(self.headers), body))
            if said is None:
                self.close_connection = True
                return
            self.send_response(said.status)
            self.send_header("Content-Type", said.content_type)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def sandbox_handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """The sandbox's Lambda handler, with its table and its key in place; needs the fixture `aws`."""
    monkeypatch.setenv("TABLE_NAME", "sandbox")
    monkeypatch.setenv("LOST_ANSWER_DELAY_SECONDS", "0")
    monkeypatch.setenv("PAYMENT_PROVIDER_SECRET", "provider-key")
    client("secretsmanager").create_secret(Name="provider-key", SecretString=KEY)
    client("dynamodb").create_table(
        TableName="sandbox",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "order_id", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-order",
                "KeySchema": [{"AttributeName": "order_id", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dependencies = importlib.import_module("payments_sandbox.dependencies")
    made = (
        dependencies.environment,
        dependencies.intent_store,
        dependencies.idempotent_requests,
        dependencies._secrets,
    )
    for cached in made:
        cached.cache_clear()
    # Reads the environment while it still names the sandbox's table, not that of `payments`.
    dependencies.environment()
    yield importlib.import_module("payments_sandbox.functions.api").handler
    for cached in made:
        cached.cache_clear()


@contextmanager
def serving_sandbox(handler: Handler, lambda_context: Any) -> Iterator[str]:
    """Serves the sandbox over HTTP; an answer that would come too late does not come at all. Gives the URL."""

    def answer(request: HttpRequest) -> HttpAnswer | None:
        event = rest_event(
            request.method,
            request.path,
            body=request.body.decode(),
            headers=request.headers,
            query=dict(parse_qsl(request.query)) or None,
        )
        said = handler(event, lambda_context)
        if _too_late(request, json.loads(said["body"])):
            return None
        return HttpAnswer(said["statusCode"], said["body"].encode())

    with serving(answer) as url:
        yield url


def _too_late(request: HttpRequest, body: dict[str, Any]) -> bool:
    method = body.get("payment_method")
    if request.path.endswith("/confirm"):
        return method in {"pm_sandbox_timeout", "pm_sandbox_lost_answer"}
    return request.method == "GET" and method == "pm_sandbox_timeout" and body["status"] == "requires_capture"


def payments_tables() -> None:
    """Makes the two tables of `payments`; needs the fixture `aws`."""
    pk = {"AttributeName": "pk", "AttributeType": "S"}
    client("dynamodb").create_table(
        TableName="payments",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            pk,
            {"AttributeName": "progress_shard", "AttributeType": "S"},
            {"AttributeName": "updated_at", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-progress",
                "KeySchema": [
                    {"AttributeName": "progress_shard", "KeyType": "HASH"},
                    {"AttributeName": "updated_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    client("dynamodb").create_table(
        TableName="observations",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            pk,
            {"AttributeName": "differing", "AttributeType": "S"},
            {"AttributeName": "observed_at", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-difference",
                "KeySchema": [
                    {"AttributeName": "differing", "KeyType": "HASH"},
                    {"AttributeName": "observed_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
