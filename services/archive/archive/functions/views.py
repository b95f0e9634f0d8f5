"""The answers of the archive's API."""

from typing import Annotated, Any, Self

from shared.events import Event
from shared.record import About, Record


class ArchivedEvent(Record):
    """An event as its service published it, without personal data."""

    event_id: Annotated[str, About(examples=["ord_118ebd08bdee58bf9a4d0d7d1e76a930:2:order.confirmed"])]
    event_type: Annotated[str, About(examples=["order.confirmed"])]
    event_version: Annotated[int, About(description="The version of the event's contract", examples=[1])]
    occurred_at: Annotated[str, About(examples=["2026-03-02T09:30:00.125Z"])]
    aggregate_id: Annotated[
        str,
        About(
            description="The id of the thing that changed",
            examples=["ord_118ebd08bdee58bf9a4d0d7d1e76a930"],
        ),
    ]
    data: Annotated[
        dict[str, Any],
        About(description="As docs/events.md describes it for the type", examples=[{"status": "confirmed"}]),
    ]
    caused_by: Annotated[
        str | None,
        About(
            description="The id of the event that the service reacted to, or the id that API Gateway gave the request",
            examples=["pay-ord_118ebd08bdee58bf9a4d0d7d1e76a930:1:payment.authorized"],
        ),
    ] = None

    @classmethod
    def of(cls, event: Event) -> Self:
        """The view of `event`."""
        return cls(
            event_id=event.event_id,
            event_type=event.event_type,
            event_version=event.event_version,
            occurred_at=event.occurred_at,
            aggregate_id=event.aggregate_id,
            data=event.data,
            caused_by=event.causation_id,
        )


class OrderEvents(Record):
    """The events of one order in all services, oldest first."""

    order_id: str
    events: list[ArchivedEvent]
