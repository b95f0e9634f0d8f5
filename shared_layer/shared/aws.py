"""AWS clients, made once per execution environment, with deadlines that fit a Lambda function.

They are botocore's. boto3 makes the same clients, and a function would only start slower with it.
"""

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

# A call that hangs must fail well before the function's own timeout (10 s), so that a retry can still help.
_CONFIG = Config(connect_timeout=1, read_timeout=2.5)


@cache
def client(service: str, *, attempts: int = 3, config: Config | None = None) -> Any:
    """The low-level client of `service` (for example "dynamodb"), the same one at every call.

    It makes each call up to `attempts` times. One attempt is for a call that may have had an effect although it failed.
    `config` has further settings.
    """
    settings = _CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": attempts}))
    return _session().create_client(service, config=settings.merge(config) if config else settings)


@cache
def _session() -> Session:
    return get_session()
