"""What the service's function works with, made once per execution environment from the environment variables."""

from functools import cache

from image_processor.adapters import PicturesBucket
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.publisher import EventPublisher


class Environment(LambdaEnvironment):
    """What the function reads from its environment."""

    pictures_bucket: str
    topic_arn: str


@cache
def pictures_bucket() -> PicturesBucket:
    """The pictures bucket."""
    return PicturesBucket(client("s3"), Environment.load().pictures_bucket)


@cache
def publisher() -> EventPublisher:
    """The way to the domain events' topic."""
    return EventPublisher(client("sns"), Environment.load().topic_arn)
