"""A function that makes the calls of DynamoDB that its event lists, and does nothing else."""

from typing import Any

import boto3

dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Makes the calls, in their order."""
    for operation, arguments in event["calls"]:
        getattr(dynamodb, operation)(**arguments)
    return {"statusCode": 200}
