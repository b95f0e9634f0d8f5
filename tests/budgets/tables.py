"""Moto's tables, which know what each request costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.dynamo import from_item
from tests.faults.answers import Answer
from tests.faults.faults import Call
from tests.faults.tables import Tables, ask, moto_tables, stream_record
from tests.faults.template import Template
from tools.bill.capacity import Consistency, Item, Table, get_units, query_units

# By what is charged: "write OrdersTable/by-customer", "read OrdersTable".
Units = dict[str, float]

# They leave out what a query has read, and is charged for.
_UNREAD = ("FilterExpression", "ProjectionExpression", "Select")


@dataclass(frozen=True)
class _Stored:
    plain: dict[str, Any]


class ChargedTables(Tables):
    """The tables as they lie in moto. They may have sort keys, and remember nothing."""

    def __init__(self, template: Template) -> None:
        super().__init__()
        self._tables = {name: Table.of(name, definition) for name, definition in template.tables.items()}
        self.charged: Units = {}
        """What the last request cost."""

    def empty(self) -> None:
        """Deletes all items, and the records of their streams."""
        for table in moto_tables().values():
            table.items.clear()
        self._read_streams()
        self.written = []

    def items(self, table: str) -> list[Any]:
        """The items of `table`."""
        return [_Stored(from_item(item)) for item in ask("Scan", {"TableName": table})["Items"]]

    def perform(self, call: Call, send: Callable[[], Any]) -> Answer:
        """Does what is asked; `send` sends the request to moto."""
        places = [(table, self._key(table, item)) for table, item in _writes(call)]
        before = [_item(table, key) for table, key in places]
        try:
            answer = Answer(send())
        except ClientError as error:
            answer = Answer(error=ClientError(error.response, error.operation_name))
        self._read_streams()
        self.charged = {}
        for name, units in (*self._written(call, places, before), *self._read(call)):
            self.charged[name] = self.charged.get(name, 0) + units
        return answer

    def _written(
        self, call: Call, places: list[tuple[str, Item]], before: list[Item | None]
    ) -> Iterator[tuple[str, float]]:
        in_transaction = call.operation == "TransactWriteItems"
        for (table, key), old in zip(places, before, strict=True):
            units = self._tables[table].write_units(old, _item(table, key), in_transaction=in_transaction)
            for part, number in units.items():
                yield f"write {_named(table, part)}", number

    def _read(self, call: Call) -> Iterator[tuple[str, float]]:
        for table, keys, consistency in _reads(call):
            for key in keys:
                yield f"read {table}", get_units(_item(table, key), consistency)
        if call.operation in ("Query", "Scan"):
            arguments = call.arguments
            table, part = arguments["TableName"], arguments.get("IndexName", arguments["TableName"])
            whole = {name: value for name, value in arguments.items() if name not in _UNREAD}
            found = ask(call.operation, whole)["Items"]
            index = next((index for index in self._tables[table].indexes if index.name == part), None)
            entries = [index.entry(item) or {} for item in found] if index else found
            yield f"read {_named(table, part)}", query_units(entries, _consistency(arguments))

    def _read_streams(self) -> None:
        for name, table in moto_tables().items():
            if table.stream_shard is not None:
                self.written += [
                    (name, stream_record(record.to_json())) for record in table.stream_shard.items
                ]
                table.stream_shard.items.clear()

    def _key(self, table: str, item: Item) -> Item:
        return {name: item[name] for name in self._tables[table].key}


def _named(table: str, part: str) -> str:
    return table if part == table else f"{table}/{part}"


def _item(table: str, key: Item) -> Item | None:
    found: Item | None = ask("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}).get("Item")
    return found


def _consistency(arguments: dict[str, Any]) -> Consistency:
    return Consistency.STRONG if arguments.get("ConsistentRead") else Consistency.EVENTUAL


def _reads(call: Call) -> Iterator[tuple[str, list[Item], Consistency]]:
    """The table of each read by key, and its keys."""
    arguments = call.arguments
    match call.operation:
        case "GetItem":
            yield arguments["TableName"], [arguments["Key"]], _consistency(arguments)
        case "BatchGetItem":
            for table, asked in arguments["RequestItems"].items():
                yield table, asked["Keys"], _consistency(asked)
        case "TransactGetItems":
            for entry in arguments["TransactItems"]:
                yield entry["Get"]["TableName"], [entry["Get"]["Key"]], Consistency.TRANSACTIONAL


def _writes(call: Call) -> Iterator[tuple[str, Item]]:
    """The table of each write, with its item or its key."""
    arguments = call.arguments
    match call.operation:
        case "PutItem":
            yield arguments["TableName"], arguments["Item"]
        case "UpdateItem" | "DeleteItem":
            yield arguments["TableName"], arguments["Key"]
        case "TransactWriteItems":
            for entry in arguments["TransactItems"]:
                for write in entry.values():
                    yield write["TableName"], write.get("Item") or write["Key"]
        case "BatchWriteItem":
            for table, requests in arguments["RequestItems"].items():
                for request in requests:
                    yield (
                        table,
                        request["PutRequest"]["Item"]
                        if "PutRequest" in request
                        else request["DeleteRequest"]["Key"],
                    )
