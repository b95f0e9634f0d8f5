"""Plain Python values to and from DynamoDB's typed attribute values.

Whole numbers come back as `int`; Cartwright stores no fractions (money is in minor units).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    """The attribute-value map of `values`; an entry that is None becomes an absent attribute, not a NULL."""
    return {name: _serializer.serialize(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of an attribute-value map, with whole numbers as `int`."""
    return {name: _plain(_deserializer.deserialize(value)) for name, value in item.items()}


def condition_failed(error: ClientError) -> bool:
    """Whether `error` says that a write's condition expression did not hold."""
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value
