"""Records requests: `request` to a REST API, `push` to a WebSocket, and `call` of an AWS API by a function.

- `request`: `api`, `method`, `path`, `status`, and the `bytes` of the answer.
- `push`: the `bytes` of a message to a client.
- `call`: `caller`, `service`, `action`, `status`, and the `bytes` of the request. The tools' own calls are left out.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.services import apigateway, apigateway_v1  # type: ignore[import-not-found]

from . import invocations, recording

type Handle = Callable[..., Awaitable[Any]]


def install() -> None:
    """Hooks into the dispatch of requests."""
    _record_calls()
    _record_requests()
    _record_pushes()


def _record_calls() -> None:
    app._dispatch_service_request = _recorded(app._dispatch_service_request)
    app._handle_ses_v2_request = _recorded(app._handle_ses_v2_request, service="ses")


def _recorded(handle: Handle, service: str = "") -> Handle:
    async def handle_request(*request: Any) -> Any:
        if not recording.is_on():
            return await handle(*request)
        method, path, headers, body, query = request[:5]
        caller = invocations.function_of(app.extract_access_key_id(headers, query))
        token = recording.caller.set(caller or recording.TOOLS)
        try:
            answer = await handle(*request)
        finally:
            recording.caller.reset(token)
        if answer is not None and caller:
            recording.record(
                "call",
                caller=caller,
                service=service or app.detect_service(method, path, headers, query),
                action=_action(method, path, headers, body),
                status=answer[0],
                bytes=len(body),
            )
        return answer

    return handle_request


def _action(method: str, path: str, headers: Any, body: bytes) -> str:
    if target := headers.get("x-amz-target", ""):
        return str(target.rpartition(".")[2])
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode()).get("Action", [method])[0]
    return f"{method} {path}"


def _record_requests() -> None:
    execute = apigateway_v1.handle_execute

    async def handle_execute(api: str, stage: str, method: str, path: str, *request: Any) -> Any:
        answer = await execute(api, stage, method, path, *request)
        if recording.is_on():
            size = len(answer[2]) if isinstance(answer[2], bytes | str) else 0
            recording.record("request", api=api, method=method, path=path, status=answer[0], bytes=size)
        return answer

    apigateway_v1.handle_execute = handle_execute


def _record_pushes() -> None:
    handle = apigateway.handle_connections_api

    async def handle_connections(method: str, *request: Any) -> Any:
        if method == "POST":
            recording.record("push", bytes=len(request[3]))
        return await handle(method, *request)

    apigateway.handle_connections_api = handle_connections
