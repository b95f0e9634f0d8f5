"""AWS clients, made once per execution environment and on first use, with deadlines that fit a Lambda function."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# A call that hangs must fail well before the function's own timeout (10 s), so that a retry can still help.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2.5,
    retries={"mode": "standard", "total_max_attempts": 3},
)


@cache
def client(service: str) -> Any:
    """The low-level boto3 client of `service` (for example "dynamodb"), the same one at every call."""
    make: Any = boto3.client  # its type knows literal service names only
    return make(service, config=_CONFIG)
