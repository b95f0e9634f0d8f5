"""Stores each event without its personal data."""

from archive.dependencies import archive_store
from archive.domain import without_personal_data
from shared.consumer import every_event_handler
from shared.events import Event


def store(event: Event) -> None:
    """Stores the event. A repeat stores the same item."""
    archive_store().put(without_personal_data(event))


handler = every_event_handler(store)
