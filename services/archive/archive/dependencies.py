"""Wires the service's function, once per execution environment, from the environment variables."""

from functools import cache

from archive.adapters import ArchiveStore
from shared.aws import client
from shared.environment import LambdaEnvironment


class Table(LambdaEnvironment):
    """The name of the archive's table."""

    table_name: str


@cache
def archive_store() -> ArchiveStore:
    """The archive's store."""
    return ArchiveStore(client("dynamodb"), Table.load().table_name)
