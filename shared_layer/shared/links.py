"""Where the API is served: the path of a request below the API's base, and links that lead back to it.

API Gateway serves a stage below its name (`/dev/orders`), and a custom domain below the base path of its mapping
(`/v1/orders`) or without any. `requestContext.path` is the path of the URL in each case. `path` omits the stage, but
not a mapping's base path.
"""

import re
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

type LinkTo = Callable[[str], str]
"""Makes a link from the path of a resource below the API's base."""

_PARAMETER = re.compile(r"\{(\w+)\+?\}")


def path_in_api(event: dict[str, Any]) -> str:
    """The path of the request as the routes name it, for example `/orders/ord_1`, on any stage and domain."""
    values = event.get("pathParameters") or {}
    return _PARAMETER.sub(lambda name: str(values.get(name[1], name[0])), str(event["resource"]))


def base_path(event: dict[str, Any]) -> str:
    """The path below which the client reaches the API: `/dev`, `/v1`, or empty."""
    served = _segments(str(event["requestContext"].get("path") or ""))
    depth = len(_segments(path_in_api(event)))
    return "".join(f"/{segment}" for segment in served[: max(len(served) - depth, 0)])


def link_to(app: APIGatewayRestResolver, path: str) -> str:
    """The link to a resource, for `Location` or a body: `path` below the base path of the present request."""
    return base_path(app.current_event.raw_event) + path


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]
