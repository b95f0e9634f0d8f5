"""Wires the adapters of the service's function, once per execution environment, from the environment variables."""

from functools import cache

from image_processor.adapters.outcome_queue import OutcomeQueue
from image_processor.adapters.pictures_bucket import PicturesBucket
from shared.aws import client
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """The function's environment variables."""

    pictures_bucket: str
    outcomes_queue_url: str


@cache
def pictures_bucket() -> PicturesBucket:
    """The pictures bucket."""
    return PicturesBucket(client("s3"), Environment.load().pictures_bucket)


@cache
def outcome_queue() -> OutcomeQueue:
    """The catalogue's queue of outcomes."""
    return OutcomeQueue(client("sqs"), Environment.load().outcomes_queue_url)
