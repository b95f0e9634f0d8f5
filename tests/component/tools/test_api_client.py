"""The client of the shop's API: it does what a busy shop asks of its clients."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tenacity import wait_none

from tools import api
from tools.api import Api
from tools.stack import Stack

type Serve = Callable[..., AbstractContextManager[Api]]


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """A client of a shop that answers with these statuses, in that order; it takes each out of the list."""
    monkeypatch.setattr(api, "BACKOFF", wait_none())

    @contextmanager
    def serve(statuses: list[int], retry_after: str = "0") -> Iterator[Api]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(statuses.pop(0))
                self.send_header("Retry-After", retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Api(cast(Stack, SimpleNamespace(api_url=f"http://127.0.0.1:{server.server_port}")))
        finally:
            server.shutdown()
            server.server_close()

    return serve


def test_a_request_that_the_shop_asks_to_send_again_is_sent_again(serving: Serve) -> None:
    statuses = [503, 429, 201, 500]
    with serving(statuses) as shop:
        assert shop.request("POST", "/orders").status_code == 201
    assert statuses == [500]


def test_a_shop_that_stays_busy_is_answered_with_its_last_status(serving: Serve) -> None:
    with serving([503] * 20) as shop:
        assert shop.request("POST", "/orders").status_code == 503


def test_a_shop_that_asks_for_a_long_wait_is_answered_with_at_once(serving: Serve) -> None:
    statuses = [503, 201]
    with serving(statuses, retry_after="60000") as shop:
        assert shop.request("POST", "/users").status_code == 503
    assert statuses == [201]


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_another_failure_is_not_sent_again(serving: Serve, status: int) -> None:
    statuses = [status, 201]
    with serving(statuses) as shop:
        assert shop.request("POST", "/orders").status_code == status
    assert statuses == [201]
