"""Domain events: the payload of each type, and the envelope around it.

`event_id` is made of the aggregate's id and version. The same change always makes the same id, so a consumer recognises
a second delivery. It recognises a late event by a version older than the last one it has seen.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from shared.clock import timestamp
from shared.record import About, Record


class Payload(Record):
    """The content of one type of event, at one version: the contract between its producer and its consumers.

    A subclass declares it by its class attributes, its fields and its docstring; events/schemas/ is made from them. A
    version never changes in a way that breaks its consumers: such a change is the next version, a subclass of its own.
    """

    # The schemas say so.
    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "hide_input_in_errors": True}

    event_type: ClassVar[str]
    event_version: ClassVar[int] = 1
    example: ClassVar[dict[str, Any]] = {}
    """What the example of this event has in some fields, instead of the fields' own examples."""

    def __post_init__(self) -> None:
        """Raises ValidationError: nothing is published that its own schema refuses."""
        self.check()


class Event(Record):
    """A domain event: a fact about one aggregate, in the past tense (`order.placed`)."""

    event_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11:2:order.confirmed"])]
    event_type: str
    event_version: int = 1
    occurred_at: Annotated[str, About(examples=["2026-03-02T09:30:00.125Z"])]
    aggregate_id: Annotated[str, About(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    aggregate_version: Annotated[int, About(ge=1, examples=[2])]
    correlation_id: Annotated[str, About(examples=["2f0c1b6e-3f0d-4d2c-9f5a-8b1f6f0a7c33"])]
    causation_id: str | None = None
    data: dict[str, Any]

    @classmethod
    def of(
        cls,
        payload: Payload,
        *,
        aggregate_id: str,
        aggregate_version: int,
        occurred_at: datetime,
        correlation_id: str,
    ) -> Self:
        """The event that brought `aggregate_id` to `aggregate_version` (one of a type per version)."""
        return cls(
            event_id=f"{aggregate_id}:{aggregate_version}:{payload.event_type}",
            event_type=payload.event_type,
            event_version=payload.event_version,
            occurred_at=timestamp(occurred_at),
            aggregate_id=aggregate_id,
            aggregate_version=aggregate_version,
            correlation_id=correlation_id,
            data=payload.model_dump(exclude_none=True),
        )
