"""Wires the adapters of the service's function, once per execution environment, from the environment variables."""

from functools import cache

from image_processor.adapters.pictures_bucket import PicturesBucket
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.publisher import EventPublisher


class Environment(LambdaEnvironment):
    """The function's environment variables."""

    pictures_bucket: str
    topic_arn: str


@cache
def pictures_bucket() -> PicturesBucket:
    """The pictures bucket."""
    return PicturesBucket(client("s3"), Environment.load().pictures_bucket)


@cache
def publisher() -> EventPublisher:
    """The publisher of domain events."""
    return EventPublisher(client("sns"), Environment.load().topic_arn)
