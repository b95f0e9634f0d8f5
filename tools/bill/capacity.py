"""How many capacity units DynamoDB charges for a read or a write.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
Transactions: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
Indexes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes

AWS's page on transactions does not say what they cost in an index. `ReturnConsumedCapacity` does: twice for the
table, and once for its indexes, as measured on AWS for https://github.com/nubo-db/dynoxide/pull/188.

Items and values are as boto3 has them: {"status": {"S": "placed"}}, and binary values as bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from math import ceil
from typing import Any, Self

Value = Mapping[str, Any]
Item = Mapping[str, Value]

_READ_BYTES = 4096
_WRITE_BYTES = 1024
# A transaction prepares each write, and then commits it.
_TRANSACTION = 2
# A list or a map, and each of its entries.
_DOCUMENT_BYTES, _ENTRY_BYTES = 3, 1


class Consistency(Enum):
    """How a read sees what was written just before; its value is the units of 4 KB."""

    EVENTUAL = 0.5
    STRONG = 1.0
    TRANSACTIONAL = 2.0


@dataclass(frozen=True)
class Index:
    """A global secondary index."""

    name: str
    key: tuple[str, ...]
    # The attributes that it holds; None if it holds all.
    projected: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """What the index holds of `item`; None if the item lacks an attribute of its key, or there is no item."""
        if item is None or not all(name in item for name in self.key):
            return None
        if self.projected is None:
            return item
        return {name: value for name, value in item.items() if name in self.projected}

    def write_units(self, before: Item | None, after: Item | None) -> int:
        """The units of a write that turned the table's item `before` into `after`."""
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old and new and all(old[name] == new[name] for name in self.key):
            return max(_write_units(old), _write_units(new))
        # The old entry is deleted; the new one is put in another place.
        return sum(_write_units(entry) for entry in (old, new) if entry)


@dataclass(frozen=True)
class Table:
    """A table and its indexes."""

    name: str
    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()

    @classmethod
    def of(cls, name: str, definition: Mapping[str, Any]) -> Self:
        """A table as CreateTable, DescribeTable or a template defines it."""
        key = _key(definition)
        indexes = [
            Index(found["IndexName"], _key(found), _projected(found, key))
            for found in definition.get("GlobalSecondaryIndexes", [])
        ]
        return cls(name, key, tuple(indexes))

    def write_units(
        self, before: Item | None, after: Item | None, *, in_transaction: bool = False
    ) -> dict[str, int]:
        """The units of a write that turned the item `before` into `after`, by the name of the table or the index.

        A write whose condition fails changes nothing, and costs as much as one that leaves the item as it is. So does
        a transaction's ConditionCheck. A transaction doubles the table's units alone: it prepares and commits each
        item, and only then does DynamoDB bring the change to the indexes.
        """
        table = max(_write_units(before or {}), _write_units(after or {}))
        units = {self.name: table * _TRANSACTION if in_transaction else table}
        units |= {index.name: index.write_units(before, after) for index in self.indexes}
        return {name: charged for name, charged in units.items() if charged}


def get_units(item: Item | None, consistency: Consistency) -> float:
    """The units of a GetItem, and of each item of a BatchGetItem or TransactGetItems; also if there is none."""
    return consistency.value * max(1, ceil(item_size(item or {}) / _READ_BYTES))


def query_units(items: Iterable[Item], consistency: Consistency) -> float:
    """The units of one page of a Query or a Scan, which reads `items`: before its filter, as the index holds them."""
    return consistency.value * max(1, ceil(sum(map(item_size, items)) / _READ_BYTES))


def item_size(item: Item) -> int:
    """The bytes that DynamoDB counts for an item."""
    return sum(_bytes(name) + _value_size(value) for name, value in item.items())


def _write_units(item: Item) -> int:
    return max(1, ceil(item_size(item) / _WRITE_BYTES))


def _value_size(value: Value) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return _bytes(content)
        case "N":
            return _number_size(content)
        case "B":
            return len(content)
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: entry}) for entry in content)
        case "L" | "M":
            entries = item_size(content) if kind == "M" else sum(map(_value_size, content))
            return _DOCUMENT_BYTES + len(content) * _ENTRY_BYTES + entries
        case "NULL" | "BOOL":
            return 1
    raise ValueError(f"no type of an attribute: {kind}")


def _number_size(digits: str) -> int:
    """A byte for two significant digits, and one more."""
    significant = len(Decimal(digits).normalize().as_tuple().digits)
    return ceil(significant / 2) + 1


def _bytes(text: str) -> int:
    return len(text.encode())


def _key(definition: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(part["AttributeName"] for part in definition["KeySchema"])


def _projected(index: Mapping[str, Any], table_key: tuple[str, ...]) -> frozenset[str] | None:
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return None
    return frozenset((*table_key, *_key(index), *projection.get("NonKeyAttributes", [])))
