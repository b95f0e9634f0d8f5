"""The payment provider behind a gate: everything passes, or nothing, or all but the next answer."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from tools.stack import Stack

from .trouble import configured

_FORWARDED = ("Authorization", "Content-Type", "Idempotency-Key")
# Longer than any function waits.
_HELD_SECONDS = 60


class Gate:
    """Passes requests on to the provider while it is open. `refused` counts those that it did not."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._lock = threading.Lock()
        self._shut = threading.Event()
        self._holds_next = False
        self._released = threading.Event()
        self.refused = 0
        self.holds = threading.Event()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate._handle(self)

            do_POST = do_GET  # noqa: N815 - the base class's names

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
                """Nothing: what passes is the functions' to log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def shut(self, seconds: float) -> threading.Event:
        """For so long no request gets an answer, nor has it any effect; what is returned is set when that is over."""
        self._shut.set()
        reopened = threading.Event()

        def reopen() -> None:
            self._shut.clear()
            reopened.set()

        timer = threading.Timer(seconds, reopen)
        timer.daemon = True
        timer.start()
        return reopened

    def hold_next(self) -> None:
        """The next request passes and has its effect; its answer does not come. `holds` is set by then."""
        self._holds_next = True

    @contextmanager
    def standing(self) -> Iterator["Gate"]:
        """While the body runs."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        if self._shut.is_set():
            with self._lock:
                self.refused += 1
            request.close_connection = True
            return
        with self._lock:
            holds, self._holds_next = self._holds_next, False
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        answer = requests.request(
            request.command,
            self._provider + request.path,
            data=body,
            headers={name: request.headers[name] for name in _FORWARDED if name in request.headers},
            timeout=30,
        )
        if holds:
            self.holds.set()
            self._released.wait(_HELD_SECONDS)
            request.close_connection = True
            return
        request.send_response(answer.status_code)
        request.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        request.send_header("Content-Length", str(len(answer.content)))
        request.end_headers()
        request.wfile.write(answer.content)


@contextmanager
def provider_behind_a_gate(stack: Stack) -> Iterator[Gate]:
    """A gate between the provider and every function that asks it, until the end of the block; open at first."""
    asking = {
        logical_id: variables["PAYMENT_PROVIDER_URL"]
        for logical_id, variables in _variables(stack).items()
        if "PAYMENT_PROVIDER_URL" in variables
    }
    [provider] = set(asking.values())
    with ExitStack() as block:
        gate = block.enter_context(Gate(provider).standing())
        for function in asking:
            block.enter_context(configured(stack, function, PAYMENT_PROVIDER_URL=gate.url))
        yield gate


def _variables(stack: Stack) -> dict[str, dict[str, str]]:
    """Each function's environment, by logical id."""
    logical = {physical: name for name, physical in stack.resources.items()}
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    return {
        logical[function["FunctionName"]]: function.get("Environment", {}).get("Variables", {})
        for page in pages
        for function in page["Functions"]
        if function["FunctionName"] in logical
    }
