"""Starts MiniStack with three repairs, under the embedded cloud's own Python; only this folder's code of ours is there.

**Errors keep their type.** When a Python function raises, AWS reports the exception's class as the error's type. A
state machine retries and catches by that type. AWS also keeps the execution environment. MiniStack's worker reports
every exception as `Runtime.HandlerError`, and ends. The repaired worker reports the class, and lives on.

**A stream goes on from the first failure.** A function that reads a stream may answer with `batchItemFailures`. AWS
then delivers those records again. MiniStack does that for queues alone, and drops the failed records of a stream. The
repair delivers the whole batch again, as AWS does if its first record failed.

**A WebSocket gets its subprotocol.** On AWS the client gets the `Sec-WebSocket-Protocol` from the answer of the
`$connect` function; without it a browser that offered some ends the connection. MiniStack omits it. It also admits a
client if the `$connect` function raises; after the repair, as on AWS, that client gets a status of 500.

The folder `strictness` holds what makes the embedded cloud refuse what AWS refuses, by named settings. The folder
`metering` records what AWS would bill, on request; `permission_record.py` records what IAM is asked. `shortcuts.py` and
`forked_workers.py` make it faster, `snapshot.py` spares other clouds the deployment, and `debugger.py` lets a debugger
attach to a function.
"""

import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import debugger  # type: ignore[import-not-found]
import forked_workers  # type: ignore[import-not-found]
import permission_record  # type: ignore[import-not-found]
import shortcuts  # type: ignore[import-not-found]
import snapshot  # type: ignore[import-not-found]

# This file runs as a script, whose own folder is on the path.
from metering import (  # type: ignore[import-not-found]
    calls,
    executions,
    invocations,
    items,
    messages,
    recording_endpoint,
)

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import apigateway, lambda_svc  # type: ignore[import-not-found]
from strictness import (  # type: ignore[import-not-found]
    any_method,
    asked_permissions,
    codes_used_up,
    encryption_keys,
    endpoint,
    express_executions,
    filter_delay,
    lambda_concurrency,
    log_streams,
    mail_sandbox,
    running_invocations,
    service_roles,
    step_retries,
    stream_filters,
    transaction_conflicts,
    transport,
    unique_accounts,
    urls,
)

_RAISED = "__raised__"
_REPORTED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
_HANDED_OVER = (
    f'{{"status": "ok", "result": {{"{_RAISED}": {{"errorType": type(e).__name__, "errorMessage": str(e), '
    '"stackTrace": traceback.format_exc().splitlines()}}}'
)

_DIFFERENCES = (
    endpoint,
    any_method,
    asked_permissions,
    codes_used_up,
    encryption_keys,
    express_executions,
    filter_delay,
    lambda_concurrency,
    log_streams,
    mail_sandbox,
    running_invocations,
    service_roles,
    step_retries,
    stream_filters,
    transaction_conflicts,
    transport,
    unique_accounts,
    urls,
)

_RECORDERS = (recording_endpoint, calls, executions, invocations, items, messages)

# The choice of the `$connect` function for the present connection.
_subprotocol: ContextVar[str | None] = ContextVar("subprotocol", default=None)

type Invoke = Callable[..., Awaitable[dict[str, Any] | None]]
type Serve = Callable[..., Awaitable[None]]
type Execute = Callable[[dict[str, Any], Any, str], dict[str, Any]]


def _with_error_types(execute: Execute) -> Execute:
    def execute_function(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        outcome = execute(function, event, request_id)
        body = outcome.get("body")
        if not isinstance(body, dict) or _RAISED not in body:
            return outcome
        failure = body[_RAISED]
        log = "\n".join(filter(None, [outcome.get("log", ""), *failure["stackTrace"]]))
        return {"body": failure | {"requestId": request_id}, "error": True, "log": log}

    return execute_function


def _with_stream_failures(execute: Execute) -> Execute:
    def execute_function(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        outcome = execute(function, event, request_id)
        body = outcome.get("body")
        if not isinstance(body, dict) or not body.get("batchItemFailures") or not _is_of_a_stream(event):
            return outcome
        failed = [entry["itemIdentifier"] for entry in body["batchItemFailures"]]
        failure = {"errorType": "BatchItemFailures", "errorMessage": ", ".join(failed)}
        return {"body": failure, "error": True, "log": outcome.get("log", "")}

    return execute_function


def _is_of_a_stream(event: Any) -> bool:
    records = event.get("Records", []) if isinstance(event, dict) else []
    return any(record.get("eventSource") == "aws:dynamodb" for record in records[:1])


def _recording_subprotocol(invoke: Invoke) -> Invoke:
    async def invoke_route(*args: Any, **options: Any) -> dict[str, Any] | None:
        answer = await invoke(*args, **options)
        if isinstance(answer, dict) and _RAISED in answer:
            return {"statusCode": 500}
        headers = (answer or {}).get("headers") or {}
        _subprotocol.set(next((v for k, v in headers.items() if k.lower() == "sec-websocket-protocol"), None))
        return answer

    return invoke_route


def _sending_subprotocol(serve: Serve) -> Serve:
    async def serve_websocket(scope: Any, receive: Any, send: Any, *args: Any, **options: Any) -> None:
        async def send_on(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.accept" and (chosen := _subprotocol.get()):
                message = {**message, "subprotocol": chosen}
            await send(message)

        await serve(scope, receive, send_on, *args, **options)

    return serve_websocket


def main() -> None:
    """Repairs and starts MiniStack; exits with an error if its code has changed too much for a repair."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_REPORTED) != 1:
        sys.exit(
            "MiniStack reports functions' errors in another way now: "
            "adapt or drop the repair in tools/cloud/run_ministack.py."
        )
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_REPORTED, _HANDED_OVER)
    lambda_svc._execute_function_warm = _with_stream_failures(
        _with_error_types(lambda_svc._execute_function_warm)
    )
    apigateway._invoke_ws_lambda = _recording_subprotocol(apigateway._invoke_ws_lambda)
    apigateway.handle_websocket = _sending_subprotocol(apigateway.handle_websocket)
    for difference in _DIFFERENCES:
        difference.install()
    for recorder in _RECORDERS:
        recorder.install()
    permission_record.install()
    forked_workers.install()
    debugger.install()
    shortcuts.install()
    snapshot.install()
    app.main()


if __name__ == "__main__":
    main()
