"""Keeps each event that the archive takes, without what is personal in it."""

from archive.dependencies import archive_store
from archive.domain import ARCHIVED, archived
from shared.consumer import consumer_handler
from shared.events import Event


def keep(event: Event) -> None:
    """Keeps the event; a repeat keeps the same."""
    archive_store().put(archived(event))


handler = consumer_handler(dict.fromkeys(ARCHIVED, keep))
