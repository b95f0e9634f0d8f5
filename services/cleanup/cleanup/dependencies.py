"""Wires the service's adapter, once per execution environment, from the environment variables."""

from functools import cache

from cleanup.adapters import CleanupBucket
from shared.aws import client
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """The environment variables of the functions."""

    cleanup_bucket: str


@cache
def cleanup_bucket() -> CleanupBucket:
    """The bucket of reports and places."""
    return CleanupBucket(client("s3"), Environment.load().cleanup_bucket)
