"""The rules of live updates, without AWS: what a customer is told of a change, where in their feed it stands, and to
whom it goes.

A customer's **feed** counts what they were told from 1 on, without a gap. That number is the **cursor** of a message:
who names the last one up to which they have everything gets exactly the rest. Of one order only ever newer versions get
into the feed, so a status never goes back to an older one, in whatever order the events come.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import BadRequest, FieldError, Unprocessable
from shared.events import Event

FEED_KEPT = timedelta(days=7)
# Of an order nothing older is taken for new as long as a message about it can lie in the queue (4 days) and then in the
# dead letters (14).
VERSIONS_KEPT = timedelta(days=30)
# API Gateway closes a WebSocket after two hours.
LONGEST_CONNECTION = timedelta(hours=2)
MAX_CONNECTIONS = 10
MAX_ORDERS = 100

OrderId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])
]
Cursor = Annotated[
    str,
    Field(pattern=r"^(0|[1-9][0-9]{0,11})$", description="A place in the customer's feed", examples=["12"]),
]

# The events that tell of a status. What becomes of an order inside (its saga, its money, its parcel) is no customer's.
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
    }
)


class UnknownCursor(BadRequest):
    """The cursor is none that this customer's feed has reached."""

    code = "invalid-cursor"

    def __init__(self) -> None:
        super().__init__(
            "The cursor is not one of your feed.",
            [FieldError("/after", "take it unchanged from the last message up to which you have everything")],
        )


class TooManyOrders(Unprocessable):
    """The connection watches as many single orders as one may."""

    code = "too-many-subscriptions"


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _PlacedOrder(_Fact):
    order_id: str
    customer_id: Annotated[str, Field(min_length=1)]


class _Facts(_PlacedOrder):
    status: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    reason: str | None = None
    by: str | None = None
    tracking_reference: str | None = None


class Change(BaseModel):
    """A status that an order came into, as its customer is told. Nothing in it names a person or a thing bought."""

    model_config = ConfigDict(frozen=True)

    event_id: Annotated[
        str,
        Field(
            description="The same however often the change is told",
            examples=["ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11:2:order.confirmed"],
        ),
    ]
    order_id: OrderId
    version: Annotated[int, Field(ge=1, description="Grows with each change of the order", examples=[2])]
    status: Annotated[str, Field(description="As `GET /orders/{order_id}` tells it", examples=["confirmed"])]
    at: Annotated[
        str, Field(description="When it happened (RFC 3339, UTC)", examples=["2026-03-02T09:30:00.125Z"])
    ]
    reason: str | None = Field(
        default=None, description="Why it was rejected or cancelled, where that is told"
    )
    by: str | None = Field(default=None, description="Who asked for its cancellation")
    tracking_reference: str | None = Field(default=None, description="The parcel's, once it is on its way")


def change_told_by(event: Event) -> tuple[str, Change]:
    """The customer whom `event`, one of STATUS_EVENTS, concerns, and what they are told.

    Raises pydantic.ValidationError when the event lacks what it should tell.
    """
    facts = _facts(event)
    change = Change(
        event_id=event.event_id,
        order_id=facts.order_id,
        version=event.aggregate_version,
        status=facts.status,
        at=event.occurred_at,
        reason=facts.reason,
        by=facts.by,
        tracking_reference=facts.tracking_reference,
    )
    return facts.customer_id, change


def _facts(event: Event) -> _Facts:
    if event.event_type == "order.placed":
        placed = _PlacedOrder.model_validate(event.data.get("order"))
        return _Facts(status="placed", **placed.model_dump())
    return _Facts.model_validate(event.data)


@dataclass(frozen=True)
class Entry:
    """A change at its place in the customer's feed."""

    position: int
    change: Change


@dataclass(frozen=True)
class Missed:
    """A page of what a customer missed: up to which position it goes, whether there is more, and whether nothing of it
    is lost because it is no longer kept."""

    entries: list[Entry]
    position: int
    more: bool
    complete: bool

    @classmethod
    def between(
        cls, after: int, end: int, kept: Iterable[Entry], limit: int, order_id: str | None = None
    ) -> "Missed":
        """Of a feed that has reached `end`, the page of `limit` positions behind `after`; `kept` has what is left of
        it, oldest first, and nothing before it. With an `order_id`, of that order alone.

        Raises UnknownCursor when the feed never was at `after`.
        """
        if after > end:
            raise UnknownCursor
        page = [entry for entry in kept if after < entry.position <= end][:limit]
        position = page[-1].position if page else end
        # The feed counts without a gap, so any that lacks has expired.
        complete = len(page) == position - after
        wanted = [entry for entry in page if order_id in (None, entry.change.order_id)]
        return cls(wanted, position, more=position < end, complete=complete)


class Connection(BaseModel):
    """A customer's open WebSocket, and what it watches. It lives no longer than the token that opened it."""

    model_config = ConfigDict(frozen=True)

    connection_id: str
    customer_id: str
    connected_at: str
    expires_at: int
    all_orders: bool = False
    order_ids: frozenset[str] = frozenset()

    @classmethod
    def opened(
        cls, connection_id: str, customer_id: str, *, token_expires_at: int, now: datetime
    ) -> "Connection":
        """A connection that begins now and watches nothing yet."""
        return cls(
            connection_id=connection_id,
            customer_id=customer_id,
            connected_at=now.isoformat(),
            expires_at=min(int((now + LONGEST_CONNECTION).timestamp()), token_expires_at),
        )

    def is_over(self, now: datetime) -> bool:
        """Whether its token, or its time, has run out."""
        return now.timestamp() >= self.expires_at

    def watches(self, order_id: str) -> bool:
        """Whether changes of that order go to it."""
        return self.all_orders or order_id in self.order_ids

    def may_watch(self, order_id: str) -> None:
        """Raises TooManyOrders when it watches as many as it may, and not that one."""
        if len(self.order_ids) >= MAX_ORDERS and order_id not in self.order_ids:
            raise TooManyOrders(
                f"A connection watches {MAX_ORDERS} single orders at most; subscribe without an `order_id` for all."
            )


def superfluous(connections: Iterable[Connection]) -> list[Connection]:
    """The oldest of a customer's connections, beyond as many as one may have."""
    newest_first = sorted(connections, key=lambda connection: connection.connected_at, reverse=True)
    return newest_first[MAX_CONNECTIONS:]


def epoch(moment: datetime, kept: timedelta) -> int:
    """When something written at `moment` may go, as DynamoDB's time to live takes it."""
    return int((moment + kept).timestamp())


def plain(change: Change) -> dict[str, Any]:
    """The change as its customer and its table see it: without what it does not tell."""
    return change.model_dump(exclude_none=True)
