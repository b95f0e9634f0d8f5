"""Records what IAM is asked for the functions, and its answers; `tools/permissions` compares it with the policies.

`GET /_cartwright/permissions` answers each function's actions and resources once, as a JSON list. A resource that tells
one object, execution or connection from others is recorded without its last part.
"""

import json
import re
from typing import Any

# This folder is on the path of `run_ministack.py`, which imports this module; so is the name of the package.
from metering import invocations  # type: ignore[import-not-found]

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_evaluator  # type: ignore[import-not-found]

PATH = "/_cartwright/permissions"

_SINGLE = re.compile(r"(?<=^arn:aws:s3:::)([^/]+/[^/]+)/.+|(.+:execution:[^:]+|.+/@connections)[:/].+")

_asked: set[tuple[str, str, str, bool]] = set()


def install() -> None:
    """Hooks into the decision of each request, and serves the record."""
    _record_decisions()
    _serve()


def _record_decisions() -> None:
    enforce = iam_evaluator.enforce

    def enforce_and_record(access_key: str, action: str, *request: Any, **more: Any) -> Any:
        denied = enforce(access_key, action, *request, **more)
        if function := invocations.function_of(access_key or ""):
            resource = more.get("resource_arn") or (request[2] if len(request) > 2 else "*")
            _asked.add((function, action, _kind(resource), denied is None))
        return denied

    iam_evaluator.enforce = enforce_and_record


def _serve() -> None:
    answer = app._handle_admin_config_request

    async def answer_request(path: str, method: str, body: bytes) -> Any:
        if path != PATH:
            return await answer(path, method, body)
        names = ("function", "action", "resource", "allowed")
        facts = [dict(zip(names, fact, strict=True)) for fact in sorted(_asked)]
        return 200, {"Content-Type": "application/json"}, json.dumps(facts).encode()

    app._handle_admin_config_request = answer_request


def _kind(resource: str) -> str:
    return _SINGLE.sub(
        lambda found: f"{found[1]}/*" if found[1] else f"{found[2]}{found[0][len(found[2])]}*", resource
    )
