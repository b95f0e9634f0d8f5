"""What the service's function reads from its environment."""

from functools import cache

from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """Which version of the system this is, and where it runs; `revision` is empty where nobody gave one."""

    stage: str
    version: str
    revision: str = ""


@cache
def environment() -> Environment:
    """The environment, read once."""
    return Environment.load()
