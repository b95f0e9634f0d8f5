"""The content of a letter without markup. The text part and the HTML part of a mail both show it.

This module puts values from outside on one line, without characters that steer a display; `layout` escapes them for
HTML. A subject holds at most an order's id, a sku or a week. Each has a fixed form, so no value can add a mail header.
"""

import re
from dataclasses import dataclass, replace
from string import Template

from notifications.domain.notifications import (
    Notification,
    OrderCancelled,
    OrderConfirmed,
    OrderFulfilled,
    OrderNotification,
    OrderRejected,
    ReportReady,
    ReturnAccepted,
    ReturnNotification,
    ReturnRefunded,
    ReturnRefused,
    StockLow,
    Tax,
    Verified,
)
from notifications.domain.wording import Wording

# Control characters, and characters that change the direction of text (Unicode TR 9).
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")


@dataclass(frozen=True)
class Labelled:
    """A fact of a letter, or a sum of a bill, with its label."""

    label: str
    value: str


@dataclass(frozen=True)
class BillLine:
    """A line of a bill."""

    product: str
    quantity: str
    price: str


@dataclass(frozen=True)
class Bill:
    """The ordered lines, and the sums below them. A bill has sums only if the customer pays.

    `total` is the amount that is charged; the other sums explain it.
    """

    caption: str
    columns: BillLine
    lines: tuple[BillLine, ...]
    before_total: tuple[Labelled, ...] = ()
    total: Labelled | None = None
    after_total: tuple[Labelled, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A letter in one language."""

    language: str
    subject: str
    heading: str
    greeting: str
    paragraphs: tuple[str, ...]
    facts: tuple[Labelled, ...]
    bill: Bill | None
    closing: str


def letter_about(notification: Notification, name: str, wording: Wording) -> Letter:
    """The letter about `notification` to a reader called `name`."""
    words = wording.letters[notification.topic]
    values = _values(notification, wording)
    # A person may sign up with the address of a stranger and any text as the name: the welcome leaves the name out.
    known = "" if isinstance(notification, Verified) else plain(name)
    return Letter(
        language=wording.language,
        subject=Template(words.subject).substitute(values),
        heading=words.heading,
        greeting=Template(wording.greeting).substitute(name=known)
        if known
        else wording.greeting_without_name,
        paragraphs=tuple(Template(paragraph).substitute(values) for paragraph in words.paragraphs),
        facts=_facts(notification, wording),
        bill=_bill(notification, wording) if isinstance(notification, OrderNotification) else None,
        closing=wording.closing,
    )


def plain(text: str) -> str:
    """`text` on one line, without characters that steer a display."""
    return " ".join(_STEERING.sub(" ", text).split())


def _values(notification: Notification, wording: Wording) -> dict[str, str]:
    """The values of the placeholders in subjects and paragraphs."""
    match notification:
        case OrderRejected() | OrderCancelled() | ReturnRefused():
            return {"order_id": notification.order_id, "reason": _reason(notification, wording)}
        case OrderNotification() | ReturnNotification():
            return {"order_id": notification.order_id}
        case StockLow():
            return {"sku": notification.sku}
        case ReportReady():
            return {"week": notification.week}
        case _:
            return {}


def _reason(notification: OrderRejected | OrderCancelled | ReturnRefused, wording: Wording) -> str:
    match notification:
        case OrderRejected():
            return wording.rejections.of(notification.reason)
        case OrderCancelled():
            return wording.cancellations.of(notification.by)
    return wording.refusals.of(notification.refusal)


def _facts(notification: Notification, wording: Wording) -> tuple[Labelled, ...]:
    labels, numbers = wording.labels, wording.numbers
    match notification:
        case OrderFulfilled(tracking_reference=str(reference)) if plain(reference):
            return (
                Labelled(labels.order, notification.order_id),
                Labelled(labels.tracking_reference, plain(reference)),
            )
        case OrderNotification():
            return (Labelled(labels.order, notification.order_id),)
        case ReturnNotification():
            return _return_facts(notification, wording)
        case StockLow():
            return (
                Labelled(labels.sku, notification.sku),
                Labelled(labels.available, numbers.count(notification.available)),
                Labelled(labels.threshold, numbers.count(notification.threshold)),
            )
        case ReportReady():
            return (
                Labelled(labels.week, notification.week),
                Labelled(labels.page, notification.page_url),
                Labelled(labels.sheet, notification.sheet_url),
            )
        case _:
            return ()


def _return_facts(notification: ReturnNotification, wording: Wording) -> tuple[Labelled, ...]:
    labels, numbers = wording.labels, wording.numbers
    pieces = ", ".join(f"{numbers.count(line.quantity)} x {plain(line.sku)}" for line in notification.lines)
    known = (Labelled(labels.order, notification.order_id), Labelled(labels.returned, pieces))
    match notification:
        case ReturnAccepted(tracking_reference=reference):
            return (*known, Labelled(labels.return_reference, plain(reference)))
        case ReturnRefunded(refund=refund):
            return (*known, Labelled(labels.refund, numbers.amount(refund)))
    return known


def _bill(order: OrderNotification, wording: Wording) -> Bill:
    labels, numbers = wording.labels, wording.numbers
    bill = Bill(
        caption=labels.lines,
        columns=BillLine(labels.product, labels.quantity, labels.price),
        lines=tuple(
            BillLine(
                plain(line.sku),
                numbers.count(line.quantity),
                numbers.amount(line.unit_price * line.quantity),
            )
            for line in order.lines
        ),
    )
    if not isinstance(order, OrderConfirmed | OrderFulfilled):
        return bill
    shipping, tax = (order.breakdown.shipping, order.breakdown.tax) if order.breakdown else (None, None)
    return replace(
        bill,
        before_total=(Labelled(labels.shipping, numbers.amount(shipping)),) if shipping else (),
        total=Labelled(labels.total, numbers.amount(order.total)),
        after_total=(_tax(tax, wording),) if tax and tax.rate_basis_points else (),
    )


def _tax(tax: Tax, wording: Wording) -> Labelled:
    rate = wording.numbers.rate(tax.rate_basis_points)
    label = Template(wording.labels.tax).substitute(rate=rate, country=plain(tax.country))
    return Labelled(label, wording.numbers.amount(tax.amount))
