"""The rules of a customer's feed: the changes of orders and returns, in the order in which the service recorded them.

The feed numbers its changes from 1, without a gap. A change's number is its **cursor**: a client that has everything up
to a cursor missed exactly the changes behind it. The feed takes only newer versions of an order or a return, so a
status never goes back, even if events arrive out of order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import BadRequest, FieldError
from shared.events import Event
from shared.record import Personal
from shared.text import RESOURCE_ID, Form

CHANGES_EXPIRE_AFTER = timedelta(days=7)
# Longer than an event can wait in the queue (4 days) and then in the dead letters (14): a late event finds the version.
VERSIONS_EXPIRE_AFTER = timedelta(days=30)

OrderId = Annotated[str, Field(examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"]), RESOURCE_ID]
Cursor = Annotated[
    str,
    Field(description="A position in the customer's feed", examples=["12"]),
    Form(r"^(0|[1-9][0-9]{0,11})$", "Take the `cursor` of an earlier message, unchanged"),
]

# The events with a status for the customer. The others (of the saga, the money, the parcel) are internal.
STATUS_EVENTS = frozenset(
    {
        "order.placed",
        "order.confirmed",
        "order.rejected",
        "order.cancellation_requested",
        "order.cancellation_refused",
        "order.cancelled",
        "order.fulfilled",
        "order.parked",
        "return.requested",
        "return.accepted",
        "return.labelled",
        "return.refused",
        "return.withdrawn",
        "return.expired",
        "return.inspected",
        "return.refunded",
    }
)


class UnknownCursor(BadRequest):
    """The customer's feed has not reached this cursor."""

    code = "invalid-cursor"

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not one of your feed.",
            [FieldError("/after", "take it unchanged from the last message up to which you have everything")],
        )


class _StatusFacts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    order_id: str
    customer_id: Annotated[str, Field(min_length=1), Personal.ACCOUNT_ID]
    status: Annotated[str, Form(r"^[a-z_]{1,40}$", "Use 1 to 40 small letters and _")]
    reason: str | None = None
    by: str | None = None
    tracking_reference: str | None = None


class _ReturnFacts(_StatusFacts):
    return_id: str
    # The reason of a return is the customer's own, and they know it.
    reason: str | None = Field(default=None, validation_alias="refusal")


class _PlacedFacts(_StatusFacts):
    # The whole order, inside version 1 of `order.placed`, has no status.
    status: str = "placed"


class Change(BaseModel):
    """A new status of an order, as the customer sees it. It names no person and no product."""

    model_config = ConfigDict(frozen=True)

    event_id: Annotated[
        str,
        Field(
            description="The same for every delivery of the change",
            examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11:2:order.confirmed"],
        ),
    ]
    order_id: OrderId
    version: Annotated[int, Field(ge=1, description="Grows with each change of the order", examples=[2])]
    status: Annotated[
        str, Field(description="The status, as in `GET /orders/{order_id}`", examples=["confirmed"])
    ]
    at: Annotated[
        str, Field(description="When it happened (RFC 3339, UTC)", examples=["2026-03-02T09:30:00.125Z"])
    ]
    reason: str | None = Field(
        default=None, description="Why the order was rejected or cancelled, if there is a reason"
    )
    by: str | None = Field(default=None, description="The requester of the cancellation")
    tracking_reference: str | None = Field(
        default=None, description="The parcel's reference, once the parcel is on its way"
    )

    @property
    def subject(self) -> str:
        """The thing whose newest version the feed remembers."""
        return f"order#{self.order_id}"


class ReturnChange(Change):
    """A new status of a return, as the customer sees it. It names no person and no product."""

    return_id: Annotated[str, Field(examples=["ret_3f1d8a526b7e5c1e8f432f7a0c9f2d99"]), RESOURCE_ID]
    version: Annotated[
        int, Field(ge=1, description="Grows with each change of the order's returns", examples=[3])
    ]
    status: Annotated[
        str, Field(description="The status, as in `GET /orders/{order_id}/returns`", examples=["accepted"])
    ]
    reason: str | None = Field(default=None, description="Why the return was refused")
    tracking_reference: str | None = Field(
        default=None, description="The reference on the parcel's label, once it is booked"
    )

    @property
    def subject(self) -> str:
        """See Change."""
        return f"return#{self.return_id}"


def change_in(event: Event) -> tuple[str, Change]:
    """The customer and the change in `event`, which is one of STATUS_EVENTS.

    Raises pydantic.ValidationError if the event lacks one of the facts.
    """
    facts = _facts_of(event)
    told = {
        "event_id": event.event_id,
        "version": event.aggregate_version,
        "at": event.occurred_at,
        **facts.model_dump(exclude={"customer_id"}),
    }
    return facts.customer_id, stored_change(told)


def stored_change(values: Mapping[str, Any]) -> Change:
    """The change with these values; one of a return has the return's id. Raises pydantic.ValidationError."""
    return (ReturnChange if "return_id" in values else Change).model_validate(values)


def _facts_of(event: Event) -> _StatusFacts:
    if (event.event_type, event.event_version) == ("order.placed", 1):
        return _PlacedFacts.model_validate(event.data.get("order"))
    kind = _ReturnFacts if event.event_type.startswith("return.") else _StatusFacts
    return kind.model_validate(event.data)


@dataclass(frozen=True)
class Entry:
    """A change at its position in the customer's feed."""

    position: int
    change: Change


@dataclass(frozen=True)
class Page:
    """A page of the changes that a client missed, up to `position`.

    `more` says whether another page follows; `complete`, whether none of its changes has expired.
    """

    entries: list[Entry]
    position: int
    more: bool
    complete: bool

    @classmethod
    def between(
        cls, after: int, end: int, stored: Iterable[Entry], limit: int, order_id: str | None = None
    ) -> "Page":
        """The first `limit` changes behind `after` in a feed that has reached `end`; with `order_id`, only its changes.

        `stored` has the unexpired entries behind `after`, oldest first. Raises UnknownCursor if `after` exceeds `end`.
        """
        if after > end:
            raise UnknownCursor
        page = [entry for entry in stored if after < entry.position <= end][:limit]
        position = page[-1].position if page else end
        # The feed has no gaps, so a missing entry has expired.
        complete = len(page) == position - after
        wanted = [entry for entry in page if order_id in (None, entry.change.order_id)]
        return cls(wanted, position, more=position < end, complete=complete)


def present_fields(change: Change) -> dict[str, Any]:
    """The change without its empty fields, as the customer receives it and the table stores it."""
    return change.model_dump(exclude_none=True)
