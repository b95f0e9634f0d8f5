"""The headers of the request that opens a WebSocket: the token and the subprotocol.

The token comes in `Authorization`, as over HTTP. A browser cannot set that header, so it offers the token as a second
subprotocol, and the server chooses the first:
`new WebSocket(url, ["cartwright.v1", "cartwright.bearer." + token])`.
The query never has it: addresses get into histories and logs.
"""

from typing import Any

PROTOCOL = "cartwright.v1"
_TOKEN_PREFIX = "cartwright.bearer."  # noqa: S105 # nosec B105 - it precedes one


def token_in(headers: dict[str, Any]) -> str | None:
    """The token in the request, or None."""
    authorization = _header(headers, "authorization").strip()
    if authorization:
        scheme, _, credentials = authorization.rpartition(" ")
        return credentials if scheme.lower() in {"", "bearer"} else None
    tokens = [name for name in _protocols(headers) if name.startswith(_TOKEN_PREFIX)]
    return tokens[0].removeprefix(_TOKEN_PREFIX) if tokens else None


def chosen_protocol(headers: dict[str, Any]) -> str | None:
    """The subprotocol that the server accepts; None if the client does not offer it."""
    return PROTOCOL if PROTOCOL in _protocols(headers) else None


def _protocols(headers: dict[str, Any]) -> list[str]:
    return [name.strip() for name in _header(headers, "sec-websocket-protocol").split(",") if name.strip()]


def _header(headers: dict[str, Any], wanted: str) -> str:
    return next((str(value) for name, value in headers.items() if name.lower() == wanted), "")
