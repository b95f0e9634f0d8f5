"""Serves the recording over HTTP, beside MiniStack's own endpoints."""

from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]

from . import recording


def install() -> None:
    """Answers requests for `recording.PATH`, before all other answers."""
    answer = app._handle_admin_config_request

    async def answer_request(path: str, method: str, body: bytes) -> Any:
        return _answer(method) if path == recording.PATH else await answer(path, method, body)

    app._handle_admin_config_request = answer_request


def _answer(method: str) -> tuple[int, dict[str, str], bytes]:
    facts = recording.so_far()
    if method == "PUT":
        recording.begin()
        facts = []
    elif method == "DELETE":
        recording.end()
    return 200, {"Content-Type": "application/jsonl"}, "\n".join(facts).encode()
