"""Lambda refuses invocations beyond the account's limit, each caller as on AWS, while `lambda_concurrency` is on.

MiniStack counts the invocations in flight, and refuses beyond a limit that is fixed at its start. Here the setting is
the limit, which all functions of the account share, those behind a WebSocket too. A refused invocation, by its caller:

- Step Functions: the error `Lambda.TooManyRequestsException`.
- API Gateway: its own answer for a function that gave none, by the API's DEFAULT_5XX
  (https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html).
- A queue: Lambda tries again until the messages' visibility timeout ends. Then they are received again, which counts
  (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
- A stream: the batch comes again. MiniStack does so already.
- An asynchronous call or a schedule: Lambda tries again, and counts none of its retries
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).

Lambda also refuses to reserve concurrency if less than 100 would be left for the other functions. A new account has
less in all: it can reserve none (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
"""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core.responses import error_response_json  # type: ignore[import-not-found]
from ministack.services import (  # type: ignore[import-not-found]
    apigateway,
    apigateway_v1,
    eventbridge,
    lambda_svc,
    stepfunctions,
)
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from . import settings

SETTING = "lambda_concurrency"
_AWS_LIMIT = 1000
_LEAST_UNRESERVED = 100
_PAUSE_SECONDS = 1.0
_REFUSED = "TooManyRequestsException"

# Until when the present invocation is tried again if it is refused, in seconds since the epoch.
_tried_until: ContextVar[float] = ContextVar("tried_until", default=0.0)


def install() -> None:
    """Makes the setting the account's limit."""
    _share_one_limit()
    _try_again()
    _refuse_to_steps()
    _refuse_to_apis()
    _refuse_reservations()


def _share_one_limit() -> None:
    acquire, own_limit = lambda_svc._acquire_execution_slot, lambda_svc._ACCOUNT_CONCURRENCY_CAP
    invoke_websocket = apigateway._invoke_ws_lambda

    def acquire_slot(function: Any, configuration: Any) -> Any:
        lambda_svc._ACCOUNT_CONCURRENCY_CAP = int(settings.value(SETTING)) or own_limit
        return acquire(function, configuration)

    async def invoke_counted(*args: Any, **options: Any) -> Any:
        slot, _ = acquire_slot({}, {"FunctionName": "websocket"})
        if slot is None:
            return {"statusCode": 500}
        try:
            return await invoke_websocket(*args, **options)
        finally:
            lambda_svc._release_execution_slot(slot)

    lambda_svc._acquire_execution_slot = acquire_slot
    apigateway._invoke_ws_lambda = invoke_counted


def _try_again() -> None:
    execute, enqueue = lambda_svc._execute_function, lambda_svc.invoke_async_with_retry
    consume = lambda_svc._run_sqs_batch

    def execute_function(function: Any, event: Any) -> Any:
        while (outcome := execute(function, event)).get("throttle"):
            if time.time() + _PAUSE_SECONDS >= _tried_until.get():
                break
            time.sleep(_PAUSE_SECONDS)
        return outcome

    def enqueue_invocation(function: Any, event: Any) -> None:
        with _trying_until(math.inf):
            enqueue(function, event)

    def consume_batch(
        source: Any, function: Any, event: Any, batch: list[dict[str, Any]], *queue: Any
    ) -> None:
        with _trying_until(min(message["visible_at"] for message in batch)):
            consume(source, function, event, batch, *queue)

    def schedule(arn: str, payload: str) -> None:
        function, configuration, _ = lambda_svc._get_func_record_for_ref(arn)
        if function and configuration:
            record = lambda_svc._execution_record_for_config(function, configuration)
            enqueue_invocation(record, json.loads(payload))

    lambda_svc._execute_function = execute_function
    lambda_svc.invoke_async_with_retry = enqueue_invocation
    lambda_svc._run_sqs_batch = consume_batch
    eventbridge._dispatch_to_lambda = schedule


@contextmanager
def _trying_until(end: float) -> Iterator[None]:
    token = _tried_until.set(end)
    try:
        yield
    finally:
        _tried_until.reset(token)


def _refuse_to_steps() -> None:
    call = stepfunctions._call_lambda

    def call_lambda(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:
            if error.error != "Lambda.Unknown" or f'"{_REFUSED}"' not in str(error.cause):
                raise
            raise stepfunctions._ExecutionError(f"Lambda.{_REFUSED}", error.cause) from error

    stepfunctions._call_lambda = call_lambda


def _refuse_to_apis() -> None:
    call, answer_for = apigateway_v1._call_lambda_raw, apigateway_v1._gateway_response_for_type

    async def call_lambda(*args: Any, **options: Any) -> Any:
        outcome, error = await call(*args, **options)
        if outcome and outcome.get("error"):
            return None, "the function gave no answer"
        return outcome, error

    def gateway_response(customized: Any, kind: str) -> Any:
        answer = dict(answer_for(customized, kind))
        fallback = customized.get(apigateway_v1._gateway_response_family(kind)) or {}
        if kind not in customized and fallback.get("statusCode"):
            answer["statusCode"] = fallback["statusCode"]
        return answer

    apigateway_v1._call_lambda_raw = call_lambda
    apigateway_v1._gateway_response_for_type = gateway_response


def _refuse_reservations() -> None:
    put, handlers = lambda_svc._put_function_concurrency, provisioners._RESOURCE_HANDLERS

    def put_function_concurrency(name: str, request: dict[str, Any]) -> Any:
        limit = int(settings.value(SETTING)) or _AWS_LIMIT
        others = sum(
            int(function.get("concurrency") or 0)
            for other, function in lambda_svc._functions.items()
            if other != name
        )
        least = min(limit, _LEAST_UNRESERVED)
        if limit - others - int(request.get("ReservedConcurrentExecutions", 0)) < least:
            return error_response_json(
                "InvalidParameterValueException",
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{least}].",
                400,
            )
        return put(name, request)

    def reserving(provision: Any) -> Any:
        def provision_function(first: Any, *properties: Any) -> Any:
            name, attributes = provision(first, *properties)
            declared = next(entry for entry in reversed(properties) if isinstance(entry, dict))
            if "ReservedConcurrentExecutions" not in declared:
                lambda_svc._delete_function_concurrency(name)
                return name, attributes
            answer = put_function_concurrency(name, declared)
            if answer[0] >= 400:
                raise ValueError(f"AWS::Lambda::Function: {answer[2]!r}")
            return name, attributes

        return provision_function

    lambda_svc._put_function_concurrency = put_function_concurrency
    of_functions = handlers["AWS::Lambda::Function"]
    of_functions["create"] = reserving(of_functions["create"])
    of_functions["update"] = reserving(of_functions["update"])
