"""Serves the settings over HTTP, beside MiniStack's own endpoints, so that they can change while the server runs."""

import json
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]

from . import settings

type Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Answers requests for `settings.PATH`; MiniStack answers all others."""
    answer = app._handle_admin_config_request

    async def answer_request(path: str, method: str, body: bytes) -> Any:
        return _answer(method, body) if path == settings.PATH else await answer(path, method, body)

    app._handle_admin_config_request = answer_request


def _answer(method: str, body: bytes) -> Answer:
    if method == "PUT":
        try:
            settings.change(dict(json.loads(body)))
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})
    return _json(200, settings.current())


def _json(status: int, content: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()
