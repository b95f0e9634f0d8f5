"""Wires the service's adapters, once per execution environment, from the environment variables."""

from functools import cache

from cleanup.adapters.cleanup_bucket import CleanupBucket
from cleanup.adapters.dead_letter_box import DeadLetterBox, queues_of
from cleanup.adapters.dead_letter_queues import DeadLetterQueues
from shared.aws import client
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """The environment variables of the cleanup's steps."""

    cleanup_bucket: str


class CheckEnvironment(LambdaEnvironment):
    """The environment variables of the check for dead letters: the queues' URLs, with commas between them."""

    dead_letter_queues: str


class Queues(LambdaEnvironment):
    """The environment variables of the API: each dead-letter queue with its source, and the URL of one queue."""

    queues: str
    relay_dead_letter_queue_url: str


@cache
def cleanup_bucket() -> CleanupBucket:
    """The bucket of reports and places."""
    return CleanupBucket(client("s3"), Environment.load().cleanup_bucket)


@cache
def dead_letter_queues() -> DeadLetterQueues:
    """The dead-letter queues of all services."""
    return DeadLetterQueues(client("sqs"), CheckEnvironment.load().dead_letter_queues.split(","))


@cache
def dead_letter_box() -> DeadLetterBox:
    """The messages in the dead-letter queues of all services."""
    names = Queues.load()
    return DeadLetterBox(client("sqs"), queues_of(names.queues, names.relay_dead_letter_queue_url))
