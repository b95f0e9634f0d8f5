"""AWS clients, made once per execution environment, with deadlines that fit a Lambda function.

They are botocore's. boto3 makes the same clients, and a function would only start slower with it.
"""

import os
from contextlib import suppress
from functools import cache
from typing import Any

import botocore
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.session import Session, get_session

# A call that hangs must fail well before the function's own timeout (10 s), so that a retry can still help.
# Without the `User-Agent`, botocore would make a long one for each call, at a tenth of the call's CPU.
_CONFIG = Config(
    connect_timeout=1, read_timeout=2.5, user_agent=f"Botocore/{botocore.__version__} cartwright"
)
# Their parameters need no check before each call, since `shared.dynamo` makes the values; DynamoDB checks them, too.
_UNCHECKED = {"dynamodb"}


@cache
def client(service: str, *, attempts: int = 3, config: Config | None = None) -> Any:
    """The low-level client of `service` (for example "dynamodb"), the same one at every call.

    It makes each call up to `attempts` times. One attempt is for a call that may have had an effect although it failed.
    `config` has further settings.
    """
    ours = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=service not in _UNCHECKED,
    )
    return _session().create_client(service, config=_CONFIG.merge(ours).merge(config or Config()))


def prepare(*services: str) -> None:
    """Makes these clients and opens their connections. `api_handler` calls it as a function starts.

    Lambda starts a function with more CPU than it later has. If a connection fails, the first call opens it. Outside of
    Lambda it does nothing, since who reads the routes alone may have no region.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for service in services:
            _connect(client(service))


def _connect(made: Any) -> None:
    # Without a signature it reaches no resource, and costs nothing. What AWS answers does not matter.
    request = AWSRequest(method="GET", url=made.meta.endpoint_url).prepare()
    with suppress(BotoCoreError):
        made._endpoint.http_session.send(request)


@cache
def _session() -> Session:
    return get_session()
