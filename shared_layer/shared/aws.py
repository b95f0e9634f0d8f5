"""AWS clients, made once per execution environment and on first use, with deadlines that fit a Lambda function."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# A call that hangs must fail well before the function's own timeout (10 s), so that a retry can still help.
_CONFIG = Config(connect_timeout=1, read_timeout=2.5)


@cache
def client(service: str, *, attempts: int = 3) -> Any:
    """The low-level boto3 client of `service` (for example "dynamodb"), the same one at every call.

    It makes each call up to `attempts` times. One attempt is for a call that may have had an effect although it failed.
    """
    make: Any = boto3.client  # its type knows literal service names only
    retries = Config(retries={"mode": "standard", "total_max_attempts": attempts})
    return make(service, config=_CONFIG.merge(retries))
