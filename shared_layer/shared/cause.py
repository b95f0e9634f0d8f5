"""What the present work was caused by, for the events that it makes and for its log.

An entry point (a request, a message, a step, a run of a schedule) says so once, around everything it does:

    with caused_by(event.event_id, correlation_id=event.correlation_id):
        ...

Every event that is stored meanwhile carries it as `causation_id`, and every line that is logged; so the path of an
order can be drawn afterwards (docs/operations.md). Rules know nothing of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from shared.observability import logger

_cause: ContextVar[str | None] = ContextVar("cause", default=None)


@contextmanager
def caused_by(cause: str, **keys: Any) -> Iterator[None]:
    """Makes `cause` the cause of what is done in the block, and puts it and `keys` on every line logged there."""
    logged = {"causation_id": cause, **keys}
    before = _cause.set(cause)
    logger.append_keys(**logged)
    try:
        yield
    finally:
        logger.remove_keys(list(logged))
        _cause.reset(before)


def present_cause() -> str | None:
    """The cause of what is being done, or None outside of everything that says so."""
    return _cause.get()
