"""Tables that hold any number of items, and count what each request reads and writes.

Moto does each write and each read by key, and gets only the items that the request names. A query is answered here,
from sorted keys, as DynamoDB does: it reads the items in the range, up to the limit or a megabyte. A stored item may be
what makes it, so that a million of them take little memory.
"""

import bisect
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, cast

from botocore.exceptions import ClientError

from tests.faults.answers import Answer
from tests.faults.faults import Call
from tests.faults.tables import Item, Tables, moto_tables, stream_record

_PAGE_BYTES = 1_000_000
_CONDITION = re.compile(
    r"(?P<hash>\S+) = (?P<is>:\w+)( AND ((?P<range>\S+) (?P<sign>[<>]=?|=) (?P<bound>:\w+)"
    r"|(?P<between>\S+) BETWEEN (?P<first>:\w+) AND (?P<last>:\w+)|begins_with\((?P<begins>\S+), (?P<prefix>:\w+)\)))?"
)
_HIGHEST = "\U0010ffff"

type Key = tuple[Any, ...]
type Stored = dict[str, Any] | Callable[[], dict[str, Any]]
"""An item, or what makes it."""


class GrownTables(Tables):
    """See the module. `counts` has the items that were read and written."""

    def __init__(self, declared: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self._stored: dict[str, dict[Key, Stored]] = {name: {} for name in declared}
        self._schemas = {
            (name, index["IndexName"] if index else None): _attributes(index or table)
            for name, table in declared.items()
            for index in [None, *table.get("GlobalSecondaryIndexes", [])]
        }
        self._keys_only = {
            (name, index["IndexName"])
            for name, table in declared.items()
            for index in table.get("GlobalSecondaryIndexes", [])
            if index["Projection"]["ProjectionType"] == "KEYS_ONLY"
        }
        # Of each table or index: the keys under each hash key, sorted by the range key.
        self._sorted: dict[tuple[str, str | None], dict[Any, list[tuple[Any, Key]]]] = {
            place: defaultdict(list) for place in self._schemas
        }
        self.counts: Counter[str] = Counter()

    def key_names(self, table: str) -> set[str]:
        """The attributes that are part of a key of the table or of one of its indexes."""
        return {name for (owner, _), names in self._schemas.items() if owner == table for name in names}

    def put(self, table: str, item: dict[str, Any], stands_for: Stored | None = None) -> None:
        """Stores an item unless its key is taken. `stands_for` makes the whole item, of which `item` has the keys."""
        key = self._key(table, item)
        if key not in self._stored[table]:
            self._enter(table, key, item, stands_for)

    def stored(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every item with its table."""
        for table, items in self._stored.items():
            for stored in items.values():
                yield table, stored() if callable(stored) else stored

    def items(self, table: str) -> list[Item]:
        """As many as there are: nobody here reads more than their number."""
        return cast("list[Item]", list(self._stored[table]))

    def perform(self, call: Call, send: Callable[[], Any]) -> Answer:
        """See Tables."""
        if call.operation == "Query":
            return Answer(self._query(call.arguments))
        if call.operation == "Scan":
            raise NotImplementedError("Nothing that an order meets scans a table.")
        named = [(table, self._key(table, attributes)) for table, attributes in _named(call)]
        before = {place: item for place in named if (item := self._found(*place))}
        self._hand_over(before)
        try:
            answer = Answer(send())
        except ClientError as error:
            answer = Answer(error=error)
        for table in {table for table, _ in named}:
            # Moto puts another table in its place when a transaction fails.
            backend = moto_tables()[table]
            after = {self._key(table, item): item for item in _items_of(backend)}
            self._take_over(table, {key for name, key in named if name == table}, after)
            if backend.stream_shard is not None:
                self.written += [
                    (table, stream_record(record.to_json())) for record in backend.stream_shard.items
                ]
                backend.stream_shard.items.clear()
            backend.items.clear()
        if call.operation in {"GetItem", "BatchGetItem", "TransactGetItems"}:
            self.counts["read"] += len(named)
        else:
            self.counts["written"] += len(named)
        return answer

    def _hand_over(self, items: dict[tuple[str, Key], dict[str, Any]]) -> None:
        for (table, _), item in items.items():
            moto_tables()[table].put_item(item)
            if (shard := moto_tables()[table].stream_shard) is not None:
                shard.items.clear()

    def _take_over(self, table: str, named: set[Key], after: dict[Key, dict[str, Any]]) -> None:
        for key in named:
            before = self._found(table, key)
            if before == after.get(key):
                continue
            if before is not None:
                self._remove(table, key, before)
            if key in after:
                self._enter(table, key, after[key])

    def _enter(self, table: str, key: Key, item: dict[str, Any], stored: Stored | None = None) -> None:
        self._stored[table][key] = stored or item
        for place, entry in self._entries(table, key, item):
            bisect.insort(self._sorted[place][entry[0]], entry[1])

    def _remove(self, table: str, key: Key, item: dict[str, Any]) -> None:
        del self._stored[table][key]
        for place, (hashed, entry) in self._entries(table, key, item):
            self._sorted[place][hashed].remove(entry)

    def _entries(
        self, table: str, key: Key, item: dict[str, Any]
    ) -> Iterator[tuple[tuple[str, str | None], tuple[Any, tuple[Any, Key]]]]:
        for place, attributes in self._schemas.items():
            if place[0] == table and all(name in item for name in attributes):
                hashed, *ranged = (_plain(item[name]) for name in attributes)
                yield place, (hashed, (ranged[0] if ranged else "", key))

    def _query(self, asked: dict[str, Any]) -> dict[str, Any]:
        table, place = asked["TableName"], (asked["TableName"], asked.get("IndexName"))
        hashed, first, last = _range(asked)
        entries = self._sorted[place][hashed]
        start = bisect.bisect_left(entries, (first,)) if first is not None else 0
        end = bisect.bisect_left(entries, (last,)) if last is not None else len(entries)
        keys = [key for _, key in entries[start:end]]
        if not asked.get("ScanIndexForward", True):
            keys.reverse()
        if begin := asked.get("ExclusiveStartKey"):
            keys = keys[keys.index(self._key(table, begin)) + 1 :]
        found, size = [], 0
        for key in keys[: asked.get("Limit")]:
            item = self._found(table, key)
            assert item is not None
            if place in self._keys_only:
                names = {*self._schemas[table, None], *self._schemas[place]}
                item = {name: item[name] for name in names}
            found.append(item)
            size += len(json.dumps(item))
            if size > _PAGE_BYTES:
                break
        self.counts["read"] += len(found)
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(found)}
        if asked.get("Select") != "COUNT":
            answer["Items"] = found
        if found and (len(found) < len(keys) or len(found) == asked.get("Limit")):
            names = {*self._schemas[table, None], *self._schemas[place]}
            answer["LastEvaluatedKey"] = {name: found[-1][name] for name in names}
        return answer

    def _found(self, table: str, key: Key) -> dict[str, Any] | None:
        stored = self._stored[table].get(key)
        return stored() if callable(stored) else stored

    def _key(self, table: str, attributes: dict[str, Any]) -> Key:
        return tuple(_plain(attributes[name]) for name in self._schemas[table, None])


def _attributes(declared: dict[str, Any]) -> list[str]:
    return [part["AttributeName"] for part in declared["KeySchema"]]


def _plain(value: dict[str, Any]) -> Any:
    [(kind, text)] = value.items()
    return float(text) if kind == "N" else text


def _items_of(backend: Any) -> Iterator[dict[str, Any]]:
    for item in backend.all_items():
        yield item.to_json()["Attributes"]


def _named(call: Call) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables and keys that a request names."""
    asked = call.arguments
    for entry in asked.get("TransactItems", []):
        for part in entry.values():
            yield part["TableName"], part.get("Item") or part["Key"]
    for table, part in asked.get("RequestItems", {}).items():
        for key in part["Keys"]:
            yield table, key
    if "TableName" in asked:
        yield asked["TableName"], asked.get("Item") or asked["Key"]


def _range(asked: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The hash key, and the range key's first value and the one behind the last; None for no bound."""
    found = _CONDITION.fullmatch(asked["KeyConditionExpression"])
    if not found:
        raise NotImplementedError(asked["KeyConditionExpression"])
    values = {name: _plain(value) for name, value in asked["ExpressionAttributeValues"].items()}
    hashed = values[found["is"]]
    if found["begins"]:
        return hashed, values[found["prefix"]], values[found["prefix"]] + _HIGHEST
    if found["between"]:
        return hashed, values[found["first"]], _behind(values[found["last"]])
    match found["sign"]:
        case "<":
            return hashed, None, values[found["bound"]]
        case ">":
            return hashed, _behind(values[found["bound"]]), None
        case ">=":
            return hashed, values[found["bound"]], None
        case None:
            return hashed, None, None
    raise NotImplementedError(asked["KeyConditionExpression"])


def _behind(value: Any) -> Any:
    return value + "\0" if isinstance(value, str) else value + 1e-9
