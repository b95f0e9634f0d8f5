"""What the service knows, without AWS: whom it writes to, and what of the shop's events it writes about.

How a letter about it reads is `letters`' business, and what SES tells of a sent mail is `delivery`'s.
"""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.errors import PermanentError, TransientError
from shared.events import Event
from shared.money import Money

# Whoever runs the shop, among the recipients of mail. No user has this id: theirs are UUIDs.
OPERATORS = "operators"


class AddressUnknown(TransientError):
    """The customer's registration has not arrived yet; the queue delivers the event again."""


class UnexpectedEvent(PermanentError):
    """There is no mail about events of this type; the subscription's filter lets through too much."""


class Fact(BaseModel):
    """Base of what is read from outside and kept. It is personal data: an error that is logged must not repeat it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


EmailAddress = Annotated[
    str, Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=254), AfterValidator(str.lower)
]


class Address(Fact):
    """Where a user's mail goes. `version` is the user's version that it was taken from.

    `suppressed_email` is the last address of theirs that must get no more mail, if there was one.
    """

    user_id: Annotated[str, Field(min_length=1)]
    email: EmailAddress
    name: str
    locale: str = "en"
    version: Annotated[int, Field(ge=0)]
    suppressed_email: str | None = None

    @classmethod
    def told_by(cls, event: Event) -> "Address":
        """The address in a `user.registered` or `user.changed`; raises pydantic.ValidationError when it has none."""
        return cls.model_validate({**event.data, "version": event.aggregate_version})

    @property
    def is_suppressed(self) -> bool:
        """Whether this very address must get no more mail; another one of the same user may."""
        return self.email == self.suppressed_email


class ErasedAddress(Fact):
    """What is left of a user who was erased; keeps changes that come late from bringing the address back."""

    user_id: Annotated[str, Field(min_length=1)]
    version: Annotated[int, Field(ge=0)]
    erased_at: str

    @classmethod
    def told_by(cls, event: Event) -> "ErasedAddress":
        """What a `user.deleted` leaves."""
        return cls(user_id=event.aggregate_id, version=event.aggregate_version, erased_at=event.occurred_at)


class Occasion(Fact):
    """What this service reads of an event that there is a letter about; `topic` names the letter."""

    topic: ClassVar[str]


class Registered(Occasion):
    """Somebody has an account now. Where their mail goes stands in the same event."""

    topic = "user_registered"
    user_id: Annotated[str, Field(min_length=1)]


class Line(Fact):
    """A line of the order, with the price of one."""

    sku: str
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Money


class Tax(Fact):
    """The VAT that an order's total contains, at a rate in hundredths of a percent."""

    country: str
    rate_basis_points: Annotated[int, Field(ge=0)]
    amount: Money


class Breakdown(Fact):
    """What of an order's total is not its lines."""

    shipping: Money
    tax: Tax


class OrderOutcome(Occasion):
    """What became of an order."""

    order_id: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]
    customer_id: Annotated[str, Field(min_length=1)]
    lines: Annotated[list[Line], Field(min_length=1)]
    total: Money
    breakdown: Breakdown | None = None


class OrderConfirmed(OrderOutcome):
    """The order stands."""

    topic = "order_confirmed"


class OrderRejected(OrderOutcome):
    """The order cannot stand, for `reason`: a word of the orders service, which may know more of them one day."""

    topic = "order_rejected"
    reason: Annotated[str, Field(min_length=1)]


class OrderCancelled(OrderOutcome):
    """The order was undone. `by` is a word of the orders service for who wanted that, or why it had to be."""

    topic = "order_cancelled"
    by: str | None = None


class OrderFulfilled(OrderOutcome):
    """The parcel is gone and the money taken; `tracking_reference` is the carrier's, if it gave one."""

    topic = "order_fulfilled"
    tracking_reference: str | None = None


class StockLow(Occasion):
    """No more of a sku is available than its threshold says."""

    topic = "stock_low"
    sku: Annotated[str, Field(pattern=r"^[A-Z0-9]+(-[A-Z0-9]+)*$", max_length=40)]
    available: int
    threshold: int


class ReportReady(Occasion):
    """A week's report was made; whoever runs the shop opens it at `page_url`, or its figures at `sheet_url`."""

    topic = "report_ready"
    week: Annotated[str, Field(pattern=r"^\d{4}-W\d{2}$")]
    page_url: Annotated[str, Field(pattern=r"^https://[!-~]+$")]
    sheet_url: Annotated[str, Field(pattern=r"^https://[!-~]+$")]


OCCASIONS: dict[str, type[Occasion]] = {
    "user.registered": Registered,
    "order.confirmed": OrderConfirmed,
    "order.rejected": OrderRejected,
    "order.cancelled": OrderCancelled,
    "order.fulfilled": OrderFulfilled,
    "stock.low": StockLow,
    "report.ready": ReportReady,
}
"""What each type of event is to write about."""


def occasion_of(event: Event) -> Occasion:
    """What there is to write about `event`; raises UnexpectedEvent, or pydantic.ValidationError for what it lacks."""
    if event.event_type not in OCCASIONS:
        raise UnexpectedEvent(event.event_type)
    return OCCASIONS[event.event_type].model_validate(event.data)
