"""The audit trail in a pretended account."""

from typing import Any

import boto3

from shared.dynamo import from_item
from tests.component.shipped_template import template

TABLE = "AuditTrailTable"


def make_audit_trail() -> None:
    """Makes its table."""
    boto3.client("dynamodb").create_table(**template().tables[TABLE])


def lines() -> list[dict[str, Any]]:
    """Its lines, oldest first."""
    found = [from_item(item) for item in boto3.client("dynamodb").scan(TableName=TABLE)["Items"]]
    return sorted(found, key=lambda line: str(line["sk"]))
