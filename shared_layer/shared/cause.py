"""The cause of the present work, for its events and for its log.

An entry point (a request, a message, a step, a run of a schedule) sets it once, around everything it does:

    with caused_by(event.event_id, correlation_id=event.correlation_id):
        ...

Every event stored and every line logged in the block carries it as `causation_id`. So `make trace` can draw the path of
an order afterwards (docs/operations.md). The rules know nothing of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from shared.observability import logger

_cause: ContextVar[str | None] = ContextVar("cause", default=None)


@contextmanager
def caused_by(cause: str, **keys: Any) -> Iterator[None]:
    """Makes `cause` the cause of all work in the block, and adds it and `keys` to every line logged there."""
    logged = {"causation_id": cause, **keys}
    before = _cause.set(cause)
    logger.append_keys(**logged)
    try:
        yield
    finally:
        logger.remove_keys(list(logged))
        _cause.reset(before)


def present_cause() -> str | None:
    """The cause of the present work, or None outside of every `caused_by` block."""
    return _cause.get()
