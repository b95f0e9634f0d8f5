"""Moto's DynamoDB, asked without the detour over HTTP that boto3 takes.

The requests and answers of DynamoDB's API are what its client takes and gives, so nothing is translated but errors.
`test_tables.py` compares both ways.
"""

import copy
import json
import re
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

REGION = "eu-central-1"


def ask(operation: str, arguments: dict[str, Any]) -> Any:
    """DynamoDB's answer; raises ClientError as boto3 does."""
    handler = DynamoHandler()
    handler.region, handler.current_account = REGION, DEFAULT_ACCOUNT_ID
    handler.body = handler.params = copy.deepcopy(arguments)
    _own_what_is_updated(operation, arguments)
    action = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
    try:
        answer = getattr(handler, action)().result
    except JsonRESTError as error:
        said = json.loads(error.description)
        refusal = {
            "Error": {"Code": said.pop("__type").rpartition("#")[2], "Message": said.pop("message", "")},
            **said,
        }
        raise ClientError(refusal, operation) from error  # type: ignore[arg-type]
    return copy.deepcopy(answer)


def text_of(item: Any) -> str:
    """An item as text, made once: a stored item never changes (see `_own_what_is_updated`)."""
    text: str | None = item.__dict__.get("as_text")
    if text is None:
        text = item.as_text = json.dumps(item.to_json(), sort_keys=True)
    return text


def _own_what_is_updated(operation: str, arguments: dict[str, Any]) -> None:
    """Replaces the items that a request updates by copies, since moto updates them in their place and what was kept of
    an earlier moment holds the same items."""
    entries = arguments["TransactItems"] if operation == "TransactWriteItems" else [{"Update": arguments}]
    for entry in entries:
        if operation not in ("TransactWriteItems", "UpdateItem") or "Update" not in entry:
            continue
        items = tables()[entry["Update"]["TableName"]].items
        for key in [key for key in items if {"pk": key.to_json()} == entry["Update"]["Key"]]:
            items[key] = copy.deepcopy(items[key])
            items[key].__dict__.pop("as_text", None)


def tables() -> dict[str, Any]:
    """The tables as moto keeps them, by name."""
    kept: dict[str, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    return kept
