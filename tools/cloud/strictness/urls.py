"""A function learns from its event at which URL the client reached the API, as on AWS; always on, as it costs nothing.

On AWS, `https://{domainName}{requestContext.path}` is the URL of the request. On a custom domain, `path` holds the base
path of the mapping, too (https://github.com/aws-powertools/powertools-lambda-python/pull/579 shows such events).
MiniStack passes no domain. It takes every URL for that of a stage on API Gateway's own domain, and it removes the base
path from `path`.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.services import apigateway_v1  # type: ignore[import-not-found]

# Host and path of the present request.
_requested: ContextVar[tuple[str, str]] = ContextVar("requested")

type Handle = Callable[..., Awaitable[Any]]
type BuildEvent = Callable[..., dict[str, Any]]


def install() -> None:
    """Adds the URL to the events of REST APIs."""
    app._handle_execute_api_request = _remembering(app._handle_execute_api_request)
    apigateway_v1._build_lambda_event_v1 = _with_url(apigateway_v1._build_lambda_event_v1)


def _remembering(handle: Handle) -> Handle:
    async def handle_request(host: str, path: str, *args: Any, **options: Any) -> Any:
        _requested.set((host, path))
        return await handle(host, path, *args, **options)

    return handle_request


def _with_url(build: BuildEvent) -> BuildEvent:
    def build_event(*args: Any, **options: Any) -> dict[str, Any]:
        event = build(*args, **options)
        host, path = _requested.get()
        event["requestContext"] |= {"domainName": host, "path": path}
        if apigateway_v1.resolve_base_path_mapping(host.partition(":")[0], path) is not None:
            event["path"] = path
        event["headers"].setdefault("x-forwarded-proto", "http")
        event["multiValueHeaders"].setdefault("x-forwarded-proto", ["http"])
        return event

    return build_event
