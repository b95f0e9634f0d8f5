"""The notifications: which events the service sends a mail about, and which of their data the mail needs."""

from typing import Annotated, ClassVar

from pydantic import Field

from notifications.domain.personal_data import PersonalModel
from shared.errors import PermanentError
from shared.events import Event
from shared.money import Money
from shared.record import Personal
from shared.text import RESOURCE_ID, SKU, Form


class UnexpectedEvent(PermanentError):
    """No mail is sent about events of this type; the subscription's filter lets too much through."""


class Notification(PersonalModel):
    """The data of an event that its mail needs. `topic` names the words of the letter."""

    topic: ClassVar[str]


class Verified(Notification):
    """A user signed in for the first time, so the address is theirs. The same event holds it."""

    topic = "user_verified"
    user_id: Annotated[str, Field(min_length=1), Personal.ACCOUNT_ID]


class Line(PersonalModel):
    """A line of the order, with the price of one piece."""

    sku: str
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Money


class Tax(PersonalModel):
    """The VAT that an order's total contains, at a rate in hundredths of a percent."""

    country: str
    rate_basis_points: Annotated[int, Field(ge=0)]
    amount: Money


class Breakdown(PersonalModel):
    """The parts of an order's total beside its lines."""

    shipping: Money
    tax: Tax


class CustomerNotification(Notification):
    """The customer of an order gets a mail."""

    order_id: Annotated[str, RESOURCE_ID]
    customer_id: Annotated[str, Field(min_length=1), Personal.ACCOUNT_ID]


class OrderNotification(CustomerNotification):
    """An order reached a status that its customer gets a mail about."""

    lines: Annotated[list[Line], Field(min_length=1)]
    total: Money
    breakdown: Breakdown | None = None


class OrderConfirmed(OrderNotification):
    """The order is confirmed."""

    topic = "order_confirmed"


class OrderRejected(OrderNotification):
    """The order is rejected. `reason` is the orders service's code, and may be one that this service does not know."""

    topic = "order_rejected"
    reason: Annotated[str, Field(min_length=1)]


class OrderCancelled(OrderNotification):
    """The order is cancelled. `by` is the orders service's code for the person or reason behind it."""

    topic = "order_cancelled"
    by: str | None = None


class OrderFulfilled(OrderNotification):
    """The parcel is dispatched and the money captured. `tracking_reference` is the carrier's, if it gave one."""

    topic = "order_fulfilled"
    tracking_reference: str | None = None


class Pieces(PersonalModel):
    """Some pieces of one product that come back."""

    sku: str
    quantity: Annotated[int, Field(ge=1)]


class ReturnNotification(CustomerNotification):
    """A return reached a status that its customer gets a mail about."""

    lines: Annotated[list[Pieces], Field(min_length=1)]


class ReturnAccepted(ReturnNotification):
    """The return is accepted, and its label is booked under `tracking_reference`."""

    topic = "return_accepted"
    tracking_reference: Annotated[str, Field(min_length=1)]


class ReturnRefused(ReturnNotification):
    """The return is refused. `refusal` is the returns service's code, which may be unknown to this service."""

    topic = "return_refused"
    refusal: Annotated[str, Field(min_length=1)]


class ReturnRefunded(ReturnNotification):
    """The money for a return was paid back."""

    topic = "return_refunded"
    refund: Money


class StockLow(Notification):
    """The available stock of a sku fell to its threshold or below."""

    topic = "stock_low"
    sku: Annotated[str, Field(max_length=40), SKU]
    available: int
    threshold: int


_Url = Annotated[str, Form(r"^https://[!-~]+$", "Write a URL that begins with https://")]


class ReportReady(Notification):
    """A week's report was made. Operators open the page at `page_url` and the figures at `sheet_url`."""

    topic = "report_ready"
    week: Annotated[str, Form(r"^\d{4}-W\d{2}$", "Write an ISO 8601 week, as in 2026-W10")]
    page_url: _Url
    sheet_url: _Url


NOTIFICATIONS: dict[str, type[Notification]] = {
    "user.verified": Verified,
    "order.confirmed": OrderConfirmed,
    "order.rejected": OrderRejected,
    "order.cancelled": OrderCancelled,
    "order.fulfilled": OrderFulfilled,
    # The return was accepted before, but the letter needs the label.
    "return.labelled": ReturnAccepted,
    "return.refused": ReturnRefused,
    "return.refunded": ReturnRefunded,
    "stock.low": StockLow,
    "report.ready": ReportReady,
}
"""The notification about each type of event."""


def notification_about(event: Event) -> Notification:
    """The notification about `event`; raises UnexpectedEvent, or pydantic.ValidationError if data is missing."""
    if event.event_type not in NOTIFICATIONS:
        raise UnexpectedEvent(event.event_type)
    return NOTIFICATIONS[event.event_type].model_validate(event.data)
