"""AWS clients: what a function has ready when its first request comes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.aws import _session, client, prepare

_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"


class Answering(BaseHTTPRequestHandler):
    """Answers as DynamoDB does, for as many requests as a connection brings."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self._answer(b"healthy")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.agents.append(self.headers["User-Agent"])  # type: ignore[attr-defined]
        self._answer(b'{"TableNames": []}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An AWS of one endpoint, on this machine."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.connections, server.agents = 0, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    client.cache_clear()
    _session.cache_clear()
    yield server
    client.cache_clear()
    _session.cache_clear()
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_functions_first_call_finds_its_connection_open(
    endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(_FUNCTION, "orders-api")
    prepare("dynamodb")
    assert endpoint.connections == 1
    client("dynamodb").list_tables()
    assert endpoint.connections == 1


def test_a_function_starts_also_if_it_reaches_nobody(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_FUNCTION, "orders-api")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    prepare("dynamodb")


def test_nothing_connects_outside_of_lambda(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_FUNCTION, raising=False)
    prepare("dynamodb")
    assert endpoint.connections == 0
    assert client.cache_info().currsize == 0


def test_aws_learns_who_calls(endpoint: Any) -> None:
    client("dynamodb").list_tables()
    assert "Botocore/" in endpoint.agents[0]
    assert "cartwright" in endpoint.agents[0]


def test_an_api_connects_to_the_services_that_it_calls_as_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared: list[str] = []
    monkeypatch.setattr("shared.aws.prepare", lambda *services: prepared.extend(services))
    api_handler(api_resolver())
    assert prepared == []
    api_handler(api_resolver(), calls=["dynamodb"])
    assert prepared == ["dynamodb"]


def test_an_api_makes_the_schemas_of_the_routes_that_it_expects_as_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    analysed: list[str] = []
    monkeypatch.setattr(
        "aws_lambda_powertools.event_handler.openapi.dependant.get_dependant",
        lambda *, path, **_: analysed.append(path),
    )
    app = api_resolver()

    @app.get("/often", **contract(Access.ANYONE, tag="test"))
    def often() -> None: ...

    @app.get("/seldom", **contract(Access.ANYONE, tag="test"))
    def seldom() -> None: ...

    api_handler(app)
    assert analysed == []
    api_handler(app, expects=[often])
    assert analysed == ["/often"]
