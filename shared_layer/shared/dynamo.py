"""Plain Python values to and from DynamoDB's typed attribute values.

Whole numbers come back as `int`. The shop stores no fractions (money is in minor units), no bytes, and no sets
but those of texts. The conversion of boto3 can do more, and a function would start slower with it.
"""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """The attribute-value map of `values`; an entry that is None becomes an absent attribute, not a NULL."""
    return {name: _typed(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of an attribute-value map, with whole numbers as `int`."""
    return {name: _plain(value) for name, value in item.items()}


def condition_failed(error: ClientError) -> bool:
    """Whether `error` says that a write's condition expression did not hold."""
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def _typed(value: Any) -> dict[str, Any]:  # noqa: PLR0911 - one for each type
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case Mapping():
            return {"M": {name: _typed(entry) for name, entry in value.items()}}
        case list() | tuple():
            return {"L": [_typed(entry) for entry in value]}
        case set() if value and all(isinstance(entry, str) for entry in value):
            return {"SS": sorted(value)}
        case None:
            return {"NULL": True}
    raise TypeError(f"The shop stores no {type(value).__name__}")


def _plain(typed: Mapping[str, Any]) -> Any:
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _number(value)
        case "M":
            return {name: _plain(entry) for name, entry in value.items()}
        case "L":
            return [_plain(entry) for entry in value]
        case "SS":
            return set(value)
        case "NULL":
            return None
    raise TypeError(f"The shop stores no attribute of the type {kind}")


def _number(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return _fraction(digits)


def _fraction(digits: str) -> int | float:
    try:
        number = float(digits)
    except ValueError:
        # Its text would show the value, which may be anything in a record that is not of ours.
        raise ValueError("an attribute of the type N is no number") from None
    return int(number) if number.is_integer() else number
