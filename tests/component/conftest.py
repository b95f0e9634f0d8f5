"""What every component test stands on: a pretended AWS (moto) and a Lambda context; no network, no credentials."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from io import StringIO
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from moto import mock_aws
from moto.core.config import default_user_config

from tests.component import shortcuts
from tools.settings import REPOSITORY

# Read when the shared layer is imported, so they are set before any test module is.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_REGION="eu-central-1",
    POWERTOOLS_TRACE_DISABLED="1",
    POWERTOOLS_METRICS_NAMESPACE="Cartwright",
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_LOG_LEVEL="INFO",
    ADMIN_CLIENT_ID="AdminUserPoolClient",
    AUDIT_TRAIL_TABLE_NAME="AuditTrailTable",
)
os.environ.pop("AWS_ENDPOINT_URL", None)
os.environ.pop("AWS_PROFILE", None)
shortcuts.install()
# A session of boto3 holds nothing of an account, and a new one for each test takes as long as ten calls. The short
# `User-Agent` spares each call a third of its time, as in `shared.aws`.
default_user_config["core"]["reset_boto3_session"] = False
_session = botocore.session.get_session()
_session.set_default_client_config(Config(user_agent="component tests"))
boto3.setup_default_session(botocore_session=_session)

_SERVICES = frozenset(folder.name for folder in (REPOSITORY / "services").iterdir())


@dataclass
class FakeLambdaContext:
    """The part of the Lambda context that the code and Powertools read."""

    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:test"
    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 10_000


@pytest.fixture(autouse=True)
def _leaves_no_state() -> Iterator[None]:
    """The next test meets no client and no store that this one made, and no copy of a module that it imported anew."""
    functions = {name: module for name, module in sys.modules.items() if _kind_of(name) == "functions"}
    yield
    for name, module in functions.items():
        if sys.modules.get(name) is not module:
            package, _, own_name = name.rpartition(".")
            sys.modules[name] = module
            setattr(sys.modules[package], own_name, module)
    for name, module in [*sys.modules.items()]:
        if _kind_of(name) in {"dependencies", "adapters"}:
            for made in vars(module).values():
                if hasattr(made, "cache_clear"):
                    made.cache_clear()


@cache
def _kind_of(module: str) -> str:
    """What a module of a service is: functions, dependencies, adapters, or something else."""
    service, _, rest = module.partition(".")
    return rest.partition(".")[0] if service in _SERVICES else ""


@pytest.fixture
def lambda_context() -> FakeLambdaContext:
    """The second argument of a handler."""
    return FakeLambdaContext()


@pytest.fixture
def aws() -> Iterator[None]:
    """An empty AWS account of the test's own."""
    with mock_aws():
        yield


@pytest.fixture
def logged() -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Finds the log lines with a given message among the test's lines so far."""
    from shared.observability import logger

    stream = StringIO()
    before = logger.registered_handler.setStream(stream)  # type: ignore[attr-defined]
    yield lambda message: [
        line for line in map(json.loads, stream.getvalue().splitlines()) if line.get("message") == message
    ]
    logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


@pytest.fixture
def subscriber(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Callable[[], list[dict[str, Any]]]]:
    """Makes the topic that relays publish to, and a queue that takes one type of event from it, raw as for a consumer.

    Returns a function that receives the queue's events.
    """

    def subscribe(event_type: str) -> Callable[[], list[dict[str, Any]]]:
        sns, sqs = boto3.client("sns"), boto3.client("sqs")
        topic = sns.create_topic(Name="domain-events")["TopicArn"]
        queue = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={
                "RawMessageDelivery": "true",
                "FilterPolicy": json.dumps({"event_type": [event_type]}),
            },
        )
        monkeypatch.setenv("TOPIC_ARN", topic)
        monkeypatch.setenv("DLQ_URL", sqs.create_queue(QueueName="relay-dead-letters")["QueueUrl"])

        def received() -> list[dict[str, Any]]:
            answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

        return received

    return subscribe
