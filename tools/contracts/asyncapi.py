"""`make asyncapi`: docs/asyncapi.json, which describes the messages of the live updates as AsyncAPI 3.

A test fails if the committed document differs from the one that the models give.
"""

import argparse
import inspect
import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from live.domain.handshake import PROTOCOL
from live.domain.messages import (
    CatchUp,
    CaughtUp,
    Failure,
    OrderChanged,
    Ping,
    Pong,
    ReturnChanged,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from tools.command_line import Subcommands, add_command
from tools.settings import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "asyncapi.json"
VERSION = "1.0.0"

_ANSWERS: dict[type[BaseModel], type[BaseModel]] = {
    Subscribe: Subscribed,
    Unsubscribe: Unsubscribed,
    CatchUp: CaughtUp,
    Ping: Pong,
}
_CHANNEL = "#/channels/live"


def register(subcommands: Subcommands) -> None:
    """Registers `asyncapi`."""
    parser = add_command(
        subcommands, "asyncapi", _asyncapi, description="renew the AsyncAPI document of the live updates"
    )
    parser.add_argument("action", choices=("write",), help="renew the document from the message models")


def _asyncapi(_: argparse.Namespace) -> None:
    write()


def write() -> None:
    """Renews the committed document."""
    DOCUMENT.write_text(written())
    print(DOCUMENT.relative_to(REPOSITORY))


def document() -> dict[str, Any]:
    """The AsyncAPI document from the server's side: it receives requests, and sends answers and changes."""
    requests: list[type[BaseModel]] = list(_ANSWERS)
    answers: list[type[BaseModel]] = [*_ANSWERS.values(), Failure, OrderChanged, ReturnChanged]
    models = [*requests, *answers]
    _, schemas = models_json_schema(
        [(model, "validation") for model in requests] + [(model, "serialization") for model in answers],
        ref_template="#/components/schemas/{model}",
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cartwright: live updates",
            "version": VERSION,
            "description": "Customers see each status change of their orders and returns as it happens. How to use it: "
            "docs/live-updates.md.",
        },
        "defaultContentType": "application/json",
        "servers": {"aws": _server()},
        "channels": {"live": _live_channel(models)},
        "operations": {
            **{_operation(request): _received(request, answer) for request, answer in _ANSWERS.items()},
            "sendOrderChanged": _operation_of("send", OrderChanged),
            "sendReturnChanged": _operation_of("send", ReturnChanged),
        },
        "components": {
            "messages": {model.__name__: _message(model) for model in models},
            "schemas": schemas["$defs"],
            "securitySchemes": {"identityToken": _identity_token()},
        },
    }


def written() -> str:
    """The document as it is stored."""
    return json.dumps(document(), indent=2) + "\n"


def _server() -> dict[str, Any]:
    return {
        "host": "{api}.execute-api.{region}.amazonaws.com",
        "pathname": "/{stage}",
        "protocol": "wss",
        "description": "The stack's output LiveUrl",
        "variables": {
            "api": {"description": "The WebSocket API's id"},
            "region": {"default": "us-east-1"},
            "stage": {"default": "dev"},
        },
        "security": [{"$ref": "#/components/securitySchemes/identityToken"}],
    }


def _live_channel(models: list[type[BaseModel]]) -> dict[str, Any]:
    return {
        "address": "/",
        "description": f"One WebSocket, subprotocol `{PROTOCOL}`.",
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in models},
    }


def _identity_token() -> dict[str, Any]:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The Cognito identity token; browsers offer it as the subprotocol "
        "`cartwright.bearer.<token>` instead.",
    }


def _message(model: type[BaseModel]) -> dict[str, Any]:
    return {
        "name": model.__name__,
        "summary": " ".join(inspect.cleandoc(model.__doc__ or "").split()),
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _operation(request: type[BaseModel]) -> str:
    return request.__name__[0].lower() + request.__name__[1:]


def _operation_of(action: str, *models: type[BaseModel]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": _CHANNEL},
        "messages": [{"$ref": f"{_CHANNEL}/messages/{model.__name__}"} for model in models],
    }


def _received(request: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    reply = _operation_of("", answer, Failure)
    del reply["action"]
    return _operation_of("receive", request) | {"reply": reply}


if __name__ == "__main__":
    write()
