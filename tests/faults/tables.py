"""Moto's DynamoDB, asked without the detour over HTTP that boto3 takes, and not twice for the same.

The requests and answers of DynamoDB's API are what its client takes and gives, so nothing is translated but errors;
`test_harness.py` compares both ways. The items lie here (`Tables.lying`), and moto is handed those of the tables that a
request is about. What a request for certain keys comes to (answer, changes, stream records) depends on nothing but the
items under these keys, and that of any other on the items of its table; so moto decides each of these once.
"""

import copy
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError
from moto.core.exceptions import JsonRESTError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from shared.dynamo import from_item
from tests.faults.answers import Answer
from tests.faults.faults import Call

REGION = "eu-central-1"
# Where an item lies: its table, and its key as text.
Place = tuple[str, str]


def ask(operation: str, arguments: dict[str, Any]) -> Any:
    """DynamoDB's answer; raises ClientError as boto3 does."""
    handler = DynamoHandler()
    handler.region, handler.current_account = REGION, DEFAULT_ACCOUNT_ID
    handler.body = handler.params = copy.deepcopy(arguments)
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


@dataclass(frozen=True, eq=False)
class Item:
    """An item as it lies in a table; it never changes. Items of one content are one object, with one number."""

    number: int
    key: Any
    moto: Any

    @cached_property
    def plain(self) -> dict[str, Any]:
        """Its attributes as plain values; not to be changed."""
        return from_item(self.moto.to_json()["Attributes"])


@dataclass(frozen=True, eq=False)
class _Outcome:
    """What a request comes to."""

    answer: Answer
    changes: list[tuple[Place, Item | None]]
    records: list[tuple[str, dict[str, Any]]]


class Tables:
    """The tables' items, and what has changed of them since the streams were last read."""

    def __init__(self) -> None:
        self.lying: dict[Place, Item] = {}
        self.written: list[tuple[str, dict[str, Any]]] = []
        # Without it moto is asked every time.
        self.remembers = True
        self._items: dict[tuple[str, str], Item] = {}
        self._outcomes: dict[tuple[str, tuple[int, ...]], _Outcome] = {}
        self._states: dict[frozenset[int], int] = {}

    def empty(self) -> None:
        """Forgets all items, and the records of their streams."""
        self.lying, self.written = {}, []

    def keep(self) -> dict[Place, Item]:
        """The present items."""
        return dict(self.lying)

    def restore(self, items: dict[Place, Item]) -> None:
        """Goes back to `items`."""
        self.lying = dict(items)

    @property
    def number(self) -> int:
        """The same for the same items in all tables."""
        state = frozenset([item.number for item in self.lying.values()])
        return self._states.setdefault(state, len(self._states))

    def items(self, table: str) -> list[Item]:
        """All that lies in `table`, by key."""
        return [self.lying[place] for place in sorted(place for place in self.lying if place[0] == table)]

    def perform(self, call: Call, send: Callable[[], Any]) -> Answer:
        """Does what is asked; `send` sends the request to moto."""
        places = _addressed(call.operation, call.arguments)
        if places is None:
            table = call.arguments["TableName"]
            needed = tuple([item.number for item in self.items(table)])
        else:
            nothing = -1
            needed = tuple([item.number if (item := self.lying.get(place)) else nothing for place in places])
        key = (call.text, needed)
        outcome = self._outcomes.get(key) if self.remembers else None
        if outcome is None:
            names = {place[0] for place in places} if places is not None else {call.arguments["TableName"]}
            outcome = self._outcomes[key] = self._asked(names, send)
        for place, item in outcome.changes:
            if item is None:
                del self.lying[place]
            else:
                self.lying[place] = item
        self.written += outcome.records
        return outcome.answer

    def _asked(self, names: set[str], send: Callable[[], Any]) -> _Outcome:
        before: dict[Place, Item] = {}
        for name in names:
            table = moto_tables()[name]
            for place in sorted(self.lying):
                if place[0] == name:
                    item = before[place] = self.lying[place]
                    table.items[item.key] = item.moto
        try:
            answer = Answer(send())
        except ClientError as error:
            answer = Answer(error=ClientError(error.response, error.operation_name))
        changes: list[tuple[Place, Item | None]] = []
        records: list[tuple[str, dict[str, Any]]] = []
        for name in sorted(names):
            # Moto puts another table in its place when a transaction fails.
            table = moto_tables()[name]
            after: dict[Place, Item] = {}
            for key, item in table.items.items():
                place = (name, _text(key.to_json()))
                lay = before.get(place)
                # An item that moto was handed is as it was: moto changes copies (tests/component/shortcuts.py).
                after[place] = lay if lay and item is lay.moto else self._item(name, key, item)
            changes += [(place, item) for place, item in after.items() if before.get(place) is not item]
            changes += [(place, None) for place in before if place[0] == name and place not in after]
            if table.stream_shard is not None:
                records += [(name, stream_record(record.to_json())) for record in table.stream_shard.items]
                table.stream_shard.items.clear()
            table.items.clear()
        return _Outcome(answer, changes, records)

    def _item(self, table: str, key: Any, item: Any) -> Item:
        text = _text(item.to_json())
        known = self._items.get((table, text))
        if known is None:
            known = self._items[table, text] = Item(len(self._items), key, item)
        return known


def stream_record(record: dict[str, Any]) -> dict[str, Any]:
    """A stream's record, whose id and place are its content."""
    for name in ("ApproximateCreationDateTime", "SequenceNumber", "SizeBytes"):
        record["dynamodb"].pop(name, None)
    record["eventID"] = ""
    record["eventID"] = hashlib.sha256(_text(record).encode()).hexdigest()
    record["dynamodb"]["SequenceNumber"] = record["eventID"]
    return record


def _addressed(operation: str, arguments: dict[str, Any]) -> list[Place] | None:
    """The keys that a request is about; None if it is about a table."""
    match operation:
        case "GetItem" | "UpdateItem" | "DeleteItem":
            return [_place(arguments["TableName"], arguments["Key"])]
        case "PutItem":
            return [_place(arguments["TableName"], arguments["Item"])]
        case "TransactWriteItems" | "TransactGetItems":
            return [
                _place(part["TableName"], part["Item" if kind == "Put" else "Key"])
                for entry in arguments["TransactItems"]
                for kind, part in entry.items()
            ]
        case "BatchGetItem":
            return [
                _place(table, key)
                for table, asked in arguments["RequestItems"].items()
                for key in asked["Keys"]
            ]
    return None


def _place(table: str, attributes: dict[str, Any]) -> Place:
    """Every table's key is `pk`."""
    return table, _text(attributes["pk"])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def moto_tables() -> dict[str, Any]:
    """The tables as moto keeps them, by name; they are empty but for the time of a request."""
    kept: dict[str, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
    return kept
