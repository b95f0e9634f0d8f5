"""The envelope in which every domain event travels, and how one is made.

`event_id` is the aggregate's id and version: the same change always makes the same id, so a consumer can recognise a
second delivery, and a version older than one it has seen as a latecomer.
"""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from shared.clock import timestamp


class Event(BaseModel):
    """A domain event: a fact about one aggregate, in the past tense (`order.placed`)."""

    # An error that is logged must not repeat personal data.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    event_id: str
    event_type: str
    event_version: int = 1
    occurred_at: str
    aggregate_id: str
    aggregate_version: int
    correlation_id: str
    causation_id: str | None = None
    data: dict[str, Any]

    @classmethod
    def of(
        cls,
        event_type: str,
        *,
        aggregate_id: str,
        aggregate_version: int,
        occurred_at: datetime,
        correlation_id: str,
        data: dict[str, Any],
        causation_id: str | None = None,
    ) -> Self:
        """The event that `aggregate_id` reached `aggregate_version` by `event_type` (one of a type per version)."""
        return cls(
            event_id=f"{aggregate_id}:{aggregate_version}:{event_type}",
            event_type=event_type,
            occurred_at=timestamp(occurred_at),
            aggregate_id=aggregate_id,
            aggregate_version=aggregate_version,
            correlation_id=correlation_id,
            causation_id=causation_id,
            data=data,
        )
