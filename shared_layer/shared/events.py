"""The envelope in which every domain event travels, and how one is made.

`event_id` is the aggregate's id and version: the same change always makes the same id, so a consumer can recognise a
second delivery, and a version older than one it has seen as a latecomer.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from shared.clock import timestamp

PERSONAL: JsonDict = {"x-personal-data": True}
"""For a field's (or a model's) `json_schema_extra`: what it tells is personal. Schemas and catalogue of the events show
it, and whoever keeps it obeys `user.deleted`."""


class Payload(BaseModel):
    """What a type of event tells, at one version: the contract between its producer and whoever reads it.

    A subclass says so by its class attributes, its fields and its docstring; events/schemas/ is made from them. What
    readers of a version rely on never changes within it: what breaks them is the next version, a subclass of its own.
    """

    # An error that is logged must not repeat personal data.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    event_type: ClassVar[str]
    event_version: ClassVar[int] = 1


class Event(BaseModel):
    """A domain event: a fact about one aggregate, in the past tense (`order.placed`)."""

    # An error that is logged must not repeat personal data.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    event_id: Annotated[str, Field(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11:2:order.confirmed"])]
    event_type: str
    event_version: int = 1
    occurred_at: Annotated[str, Field(examples=["2026-03-02T09:30:00.125Z"])]
    aggregate_id: Annotated[str, Field(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    aggregate_version: Annotated[int, Field(ge=1, examples=[2])]
    correlation_id: Annotated[str, Field(examples=["2f0c1b6e-3f0d-4d2c-9f5a-8b1f6f0a7c33"])]
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
        """The event by which `aggregate_id` reached `aggregate_version` (one of a type per version)."""
        return cls(
            event_id=f"{aggregate_id}:{aggregate_version}:{payload.event_type}",
            event_type=payload.event_type,
            event_version=payload.event_version,
            occurred_at=timestamp(occurred_at),
            aggregate_id=aggregate_id,
            aggregate_version=aggregate_version,
            correlation_id=correlation_id,
            data=payload.model_dump(mode="json", exclude_none=True),
        )
