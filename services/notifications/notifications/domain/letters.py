"""What a letter says, without markup: the one content that its text and its HTML both show.

Values that come from outside are made plain here (one line, nothing that steers a display) and escaped where the HTML
is made. A subject holds an order's id, a sku or a week at most, all of a fixed form, so nobody can write a header.
"""

import re
from dataclasses import dataclass, replace
from string import Template

from notifications.domain.occasions import (
    Occasion,
    OrderCancelled,
    OrderConfirmed,
    OrderFulfilled,
    OrderOutcome,
    OrderRejected,
    Registered,
    ReportReady,
    StockLow,
    Tax,
)
from notifications.domain.wording import Wording

# Control characters, and those that reverse the direction of what follows them (Unicode TR 9).
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")


@dataclass(frozen=True)
class Labelled:
    """A fact, or a sum under a bill, with what it is."""

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
    """What was ordered, and the sums below it: `total` is what is charged, the others explain it. Where nothing is
    charged there are none.
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


def letter_about(occasion: Occasion, name: str, wording: Wording) -> Letter:
    """The letter that tells the reader called `name` of `occasion`."""
    words = wording.letters[occasion.topic]
    values = _values(occasion, wording)
    # Whoever signs up may give somebody else's address and anything for a name: what they wrote goes to nobody else.
    known = "" if isinstance(occasion, Registered) else plain(name)
    return Letter(
        language=wording.language,
        subject=Template(words.subject).substitute(values),
        heading=words.heading,
        greeting=Template(wording.greeting).substitute(name=known)
        if known
        else wording.greeting_without_name,
        paragraphs=tuple(Template(paragraph).substitute(values) for paragraph in words.paragraphs),
        facts=_facts(occasion, wording),
        bill=_bill(occasion, wording) if isinstance(occasion, OrderOutcome) else None,
        closing=wording.closing,
    )


def plain(text: str) -> str:
    """`text` on one line, without characters that steer how it is shown."""
    return " ".join(_STEERING.sub(" ", text).split())


def _values(occasion: Occasion, wording: Wording) -> dict[str, str]:
    """What subjects and paragraphs have placeholders for."""
    match occasion:
        case OrderRejected():
            return {"order_id": occasion.order_id, "reason": wording.rejections.of(occasion.reason)}
        case OrderCancelled():
            return {"order_id": occasion.order_id, "reason": wording.cancellations.of(occasion.by)}
        case OrderOutcome():
            return {"order_id": occasion.order_id}
        case StockLow():
            return {"sku": occasion.sku}
        case ReportReady():
            return {"week": occasion.week}
        case _:
            return {}


def _facts(occasion: Occasion, wording: Wording) -> tuple[Labelled, ...]:
    labels, numbers = wording.labels, wording.numbers
    match occasion:
        case OrderFulfilled(tracking_reference=str(reference)) if plain(reference):
            return (
                Labelled(labels.order, occasion.order_id),
                Labelled(labels.tracking_reference, plain(reference)),
            )
        case OrderOutcome():
            return (Labelled(labels.order, occasion.order_id),)
        case StockLow():
            return (
                Labelled(labels.sku, occasion.sku),
                Labelled(labels.available, numbers.count(occasion.available)),
                Labelled(labels.threshold, numbers.count(occasion.threshold)),
            )
        case ReportReady():
            return (
                Labelled(labels.week, occasion.week),
                Labelled(labels.page, occasion.page_url),
                Labelled(labels.sheet, occasion.sheet_url),
            )
        case _:
            return ()


def _bill(order: OrderOutcome, wording: Wording) -> Bill:
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
