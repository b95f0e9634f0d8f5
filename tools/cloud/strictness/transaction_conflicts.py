"""DynamoDB refuses a write to an item that a transaction is writing; MiniStack does each request at once.

On AWS a transaction takes some milliseconds. Meanwhile DynamoDB refuses other writes to its items: a single one with
`TransactionConflictException`, another transaction with the reason `TransactionConflict`. While the setting is on,
a transaction lasts for each of its items until the next write to it. DynamoDB refuses that write, and does the one
after it. So every write that may ever meet a transaction does meet one.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core.responses import error_response_json  # type: ignore[import-not-found]
from ministack.services import dynamodb  # type: ignore[import-not-found]

from . import settings

type Request = dict[str, Any]
type Operation = Callable[[Request], Any]
type Item = tuple[str, str]
"""A table's name, and the key of one of its items."""

_CONFLICT = "TransactionConflict"
_CANCELLED = "Transaction cancelled, please refer cancellation reasons for specific reasons"

_in_flight: set[Item] = set()


def install() -> None:
    """Lets writes meet the transactions before them while `transaction_conflicts` is on."""
    for name in ("_put_item", "_update_item", "_delete_item"):
        setattr(dynamodb, name, _refused_once(getattr(dynamodb, name)))
    dynamodb._transact_write_items = _cancelled_once(dynamodb._transact_write_items)


def _refused_once(write: Operation) -> Operation:
    def write_item(request: Request) -> Any:
        if settings.is_on("transaction_conflicts") and any(_met([request])):
            return error_response_json(f"{_CONFLICT}Exception", "Transaction is ongoing for the item")
        return write(request)

    return write_item


def _cancelled_once(write_all: Operation) -> Operation:
    def transact_write_items(request: Request) -> Any:
        if not settings.is_on("transaction_conflicts"):
            return write_all(request)
        writes = [write for entry in request.get("TransactItems", []) for write in entry.values()]
        if any(met := _met(writes)):
            return _cancelled(met)
        status, headers, body = write_all(request)
        if status == HTTPStatus.OK:
            _in_flight.update(item for write in writes if (item := _item_of(write)))
        return status, headers, body

    return transact_write_items


def _met(writes: list[Request]) -> list[bool]:
    """Whether each of these writes meets a transaction. Those transactions end with that."""
    items = [_item_of(write) for write in writes]
    met = [item in _in_flight for item in items]
    _in_flight.difference_update(item for item in items if item)
    return met


def _item_of(write: Mapping[str, Any]) -> Item | None:
    """The item that a write is about; None if MiniStack will refuse the write anyway."""
    table = dynamodb._tables.get(dynamodb._normalize_table_name(write.get("TableName")))
    if not table:
        return None
    attributes = write.get("Key") or write.get("Item") or {}
    key = [attributes.get(name) for name in (table.get("pk_name"), table.get("sk_name")) if name]
    return str(write["TableName"]), json.dumps(key, sort_keys=True)


def _cancelled(met: list[bool]) -> Any:
    codes = [_CONFLICT if each else "None" for each in met]
    return error_response_json(
        "TransactionCanceledException",
        f"{_CANCELLED} [{', '.join(codes)}]",
        extra={"CancellationReasons": [{"Code": code} for code in codes]},
    )
