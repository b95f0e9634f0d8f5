"""A system test that is not marked as `embedded_only` cannot use a back door of the embedded cloud, by any library."""

import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tests.system.back_doors import BackDoorUsed, StackUnderTest, watched
from tests.system.conftest import pytest_fixture_setup
from tools import server_record
from tools.cloud import strict


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that answers every request with an empty JSON object."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        do_PUT = do_GET  # noqa: N815 - the base class calls it so

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def listen(_: str) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))


BACK_DOORS: dict[str, Callable[[str], object]] = {
    "a request to /_ministack/": lambda url: urllib.request.urlopen(f"{url}/_ministack/ses/messages").read(),  # noqa: S310 - loopback
    "the same with another library": lambda url: requests.get(f"{url}/_ministack/health", timeout=5),
    "strictness": lambda url: strict.change(url, {"mail_sandbox": 1}),
    "the server's process": lambda _: server_record.recorded(),
    "a server that functions call": listen,
}


@pytest.mark.parametrize("name", BACK_DOORS)
def test_a_back_door_is_closed_to_a_test_without_the_mark_and_open_to_one_with_it(
    name: str, endpoint: str
) -> None:
    with watched(open_for=False), pytest.raises(BackDoorUsed, match=r"@pytest.mark.embedded_only\("):
        BACK_DOORS[name](endpoint)
    with watched(open_for=True):
        BACK_DOORS[name](endpoint)
    BACK_DOORS[name](endpoint)


@pytest.mark.parametrize(("scope", "is_open"), [("function", True), ("module", False), ("session", False)])
def test_a_fixture_that_outlives_a_marked_test_uses_no_back_door(
    scope: str, is_open: bool, endpoint: str
) -> None:
    fixture: Any = SimpleNamespace(scope=scope)
    with watched(open_for=True):
        setup = pytest_fixture_setup(fixture)
        next(setup)
        with nullcontext() if is_open else pytest.raises(BackDoorUsed):
            BACK_DOORS["strictness"](endpoint)
        with pytest.raises(StopIteration):
            setup.send(None)
        BACK_DOORS["strictness"](endpoint)


def test_an_api_that_aws_has_is_open_to_every_test(endpoint: str) -> None:
    with watched(open_for=False):
        for path in ("/", "/_aws/execute-api/1a2b/local/products", "/products?next=/_ministack/"):
            assert requests.get(endpoint + path, timeout=5).ok


def test_mails_are_shown_to_a_marked_test_alone(endpoint: str) -> None:
    def shown(url: str, *, is_marked: bool) -> bool:
        with watched(open_for=is_marked):
            return StackUnderTest(url, is_embedded=False).shows_mails

    assert shown(endpoint, is_marked=True)
    assert not shown(endpoint, is_marked=False)
    assert not shown("", is_marked=True), "AWS shows none"
