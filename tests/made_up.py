"""Events as a test wants them, even against their contracts."""

from datetime import datetime
from typing import Any

from shared.clock import timestamp
from shared.events import Event


def made_up_event(
    event_type: str,
    *,
    aggregate_id: str,
    aggregate_version: int,
    occurred_at: datetime,
    correlation_id: str,
    data: dict[str, Any],
    causation_id: str | None = None,
) -> Event:
    """The event that `aggregate_id` reached `aggregate_version` by `event_type`."""
    return Event(
        event_id=f"{aggregate_id}:{aggregate_version}:{event_type}",
        event_type=event_type,
        occurred_at=timestamp(occurred_at),
        aggregate_id=aggregate_id,
        aggregate_version=aggregate_version,
        correlation_id=correlation_id,
        causation_id=causation_id,
        data=data,
    )
