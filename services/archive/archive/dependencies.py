"""What the service's function works with, made once per execution environment from the environment variables."""

from functools import cache

from archive.adapters import ArchiveStore
from shared.aws import client
from shared.environment import LambdaEnvironment


class Table(LambdaEnvironment):
    """Names the archive's table."""

    table_name: str


@cache
def archive_store() -> ArchiveStore:
    """The archive's store."""
    return ArchiveStore(client("dynamodb"), Table.load().table_name)
