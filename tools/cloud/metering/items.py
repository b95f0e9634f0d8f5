"""Records each `read` and `write` of a table.

- `write`: `table`, the item `before` and `after` (null if there is none), whether it was `in_transaction`. A write that
  is refused by its condition, or cancelled with its transaction, is recorded as one that changes nothing.
- `read`: `table`, `index` (empty for the table itself), `operation` (get or query) and `consistency` (EVENTUAL, STRONG
  or TRANSACTIONAL). `items` are as DynamoDB read them: before a filter, and as the index holds them.

Both have `caller`, a function or a state machine. Neither the tools' own operations are recorded, nor what DynamoDB's
expiry deletes, which costs nothing.
"""

import copy
from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import dynamodb  # type: ignore[import-not-found]

from . import recording

type Request = dict[str, Any]
type Operation = Callable[[Request], Any]
type Record = Callable[[Request, Operation], Any]

_REFUSALS = (b"ConditionalCheckFailed", b"TransactionCanceled")

# What the page of the query at hand has read.
_page: ContextVar[list[Any]] = ContextVar("page")


def install() -> None:
    """Hooks into DynamoDB's operations on items."""
    for names, recorded in (
        (("_put_item", "_update_item", "_delete_item"), _write),
        (("_transact_write_items",), _transaction),
        (("_batch_write_item",), _batch_write),
        (("_get_item",), _get),
        (("_query", "_scan"), _query),
        (("_batch_get_item",), _batch_get),
        (("_transact_get_items",), _transact_get),
    ):
        for name in names:
            setattr(dynamodb, name, _while_on(getattr(dynamodb, name), recorded))
    _watch_pages()


def _while_on(operation: Operation, recorded: Record) -> Operation:
    def operate(request: Request) -> Any:
        if not recording.is_on() or recording.caller.get() == recording.TOOLS:
            return operation(request)
        return recorded(request, operation)

    return operate


def _write(request: Request, operation: Operation) -> Any:
    return _written([(request, request)], request, operation, in_transaction=False)


def _transaction(request: Request, operation: Operation) -> Any:
    entries = [write for entry in request.get("TransactItems", []) for write in entry.values()]
    return _written([(write, write) for write in entries], request, operation, in_transaction=True)


def _batch_write(request: Request, operation: Operation) -> Any:
    entries = [
        ({"TableName": table}, write)
        for table, writes in request.get("RequestItems", {}).items()
        for entry in writes
        for write in entry.values()
    ]
    return _written(entries, request, operation, in_transaction=False)


def _written(
    writes: list[tuple[Request, Request]], request: Request, operation: Operation, *, in_transaction: bool
) -> Any:
    # Step Functions' integrations pass through here with the requests of a task; copies stay as they were sent.
    places = [(named.get("TableName"), copy.deepcopy(_key_of(named, write))) for named, write in writes]
    before = [copy.deepcopy(_stored(*place)) for place in places]
    answer = operation(request)
    if answer[0] == HTTPStatus.OK or any(refusal in bytes(answer[2]) for refusal in _REFUSALS):
        for (table, key), old in zip(places, before, strict=True):
            recording.record(
                "write",
                caller=recording.caller.get(),
                table=_name(table),
                before=old,
                after=_stored(table, key),
                in_transaction=in_transaction,
            )
    return answer


def _get(request: Request, operation: Operation) -> Any:
    answer = operation(request)
    consistency = "STRONG" if request.get("ConsistentRead") else "EVENTUAL"
    _read(request["TableName"], "get", [_stored(request["TableName"], request["Key"])], consistency)
    return answer


def _query(request: Request, operation: Operation) -> Any:
    token = _page.set([])
    try:
        answer = operation(request)
        read = _page.get()
    finally:
        _page.reset(token)
    consistency = "STRONG" if request.get("ConsistentRead") else "EVENTUAL"
    _read(request["TableName"], "query", read, consistency, request.get("IndexName", ""))
    return answer


def _batch_get(request: Request, operation: Operation) -> Any:
    answer = operation(request)
    for table, wanted in request.get("RequestItems", {}).items():
        for key in wanted.get("Keys", []):
            consistency = "STRONG" if wanted.get("ConsistentRead") else "EVENTUAL"
            _read(table, "get", [_stored(table, key)], consistency)
    return answer


def _transact_get(request: Request, operation: Operation) -> Any:
    answer = operation(request)
    for entry in request.get("TransactItems", []):
        wanted = entry["Get"]
        stored = _stored(wanted["TableName"], wanted["Key"])
        _read(wanted["TableName"], "get", [stored], "TRANSACTIONAL")
    return answer


def _read(table: str, operation: str, found: list[Any], consistency: str, index: str = "") -> None:
    recording.record(
        "read",
        caller=recording.caller.get(),
        table=_name(table),
        index=index,
        operation=operation,
        items=found,
        consistency=consistency,
    )


def _watch_pages() -> None:
    paginate = dynamodb._paginate_evaluated_items

    def paginate_items(items: Any, limit: Any, table: Any, index: Any = None) -> Any:
        page, more = paginate(items, limit, table, index)
        if recording.is_on() and (read := _page.get(None)) is not None:
            read += [dynamodb._apply_index_projection(item, table, index) if index else item for item in page]
        return page, more

    dynamodb._paginate_evaluated_items = paginate_items


def _name(table: str | None) -> str:
    return str(dynamodb._normalize_table_name(table))


def _key_of(named: Request, write: Request) -> Request:
    table = dynamodb._tables.get(_name(named.get("TableName"))) or {}
    attributes = write.get("Key") or write.get("Item") or {}
    return {
        name: attributes[name]
        for name in (table.get("pk_name"), table.get("sk_name"))
        if name and name in attributes
    }


def _stored(name: str | None, key: Request) -> Any:
    table = dynamodb._tables.get(_name(name))
    return dynamodb._get_item_by_key(table, key) if table and key else None
