"""The books after a load: whether the shop kept each order that it accepted, and sold and charged nothing twice."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from benchmarks.load.plan import Happened, Plan
from orders.domain.status import OrderStatus
from tools.shop.audit import Auditor, Findings, OrderRecords
from tools.waiting import NotInTime, wait_for

_HOLDS_MONEY = {"requires_capture", "succeeded"}
_SETTLED_SECONDS = 240


@dataclass
class Books:
    """The orders of the load's customers, and what contradicts them."""

    statuses: Counter[str] = field(default_factory=Counter)
    of_the_sale: Counter[str] = field(default_factory=Counter)
    seconds_to_confirmed: list[float] = field(default_factory=list)
    """From the order's first entry of its history to its confirmation, by the shop's clock."""
    lost: list[str] = field(default_factory=list)
    """Orders that the shop accepted and does not have, or that it never decided."""
    oversold: list[str] = field(default_factory=list)
    """Products with less than no piece."""
    charged_twice: list[str] = field(default_factory=list)
    """Orders for which the provider holds more than one payment."""
    made_up: list[str] = field(default_factory=list)
    """Orders that no customer sent, or sent once and have twice."""
    contradictions: list[str] = field(default_factory=list)
    """All other findings of the audit about these orders and products."""

    @property
    def balance(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.oversold or self.charged_twice or self.made_up or self.contradictions)


def books_of(
    plan: Plan, happened: Happened, orders: dict[str, OrderRecords], levels: dict[str, int], found: Findings
) -> Books:
    """The books of one load; `orders` and `found` are the audit's, `levels` the available pieces by sku.

    Other customers of the stack count only as far as they use the same products.
    """
    books = Books()
    ours = {
        order_id: records
        for order_id, records in orders.items()
        if records.order["customer_id"] in set(happened.customers)
    }
    for order_id, records in ours.items():
        status = records.order["status"]
        books.statuses[status] += 1
        if order_id in happened.of_the_sale:
            books.of_the_sale[status] += 1
        books.seconds_to_confirmed += _seconds_to_confirmed(records.order["history"])
        if sum(intent["status"] in _HOLDS_MONEY for intent in records.intents) > 1:
            books.charged_twice.append(order_id)
        if OrderStatus(status).is_open:
            books.lost.append(f"{order_id} is still {status}")
    books.lost += [f"{order_id} is gone" for order_id in happened.accepted if order_id not in ours]
    unexpected = sorted(ours.keys() - set(happened.accepted))
    if len(unexpected) > happened.uncertain:
        books.made_up = unexpected
    skus = {*plan.products, plan.sale_sku}
    books.oversold = [f"{sku}: {levels[sku]}" for sku in sorted(skus) if levels[sku] < 0]
    books.contradictions = [
        violation
        for violation in found.violations
        if violation.startswith((*ours, *(f"{sku}:" for sku in skus)))
    ]
    return books


def _seconds_to_confirmed(history: list[dict[str, str]]) -> list[float]:
    """The seconds of one order, or nothing if it was never confirmed."""
    moments = {entry["status"]: datetime.fromisoformat(entry["at"]) for entry in reversed(history)}
    if "confirmed" not in moments:
        return []
    return [(moments["confirmed"] - moments["placed"]).total_seconds()]


def balanced(auditor: Auditor, plan: Plan, happened: Happened) -> Books:
    """The books once every order is decided and has what follows from it, or as they are after four minutes."""
    latest = Books()

    def read() -> bool:
        nonlocal latest
        if _undecided(auditor, happened):
            return False
        latest = _read(auditor, plan, happened)
        return latest.balance

    try:
        wait_for(read, "the books to balance", seconds=_SETTLED_SECONDS)
    except NotInTime:
        latest = _read(auditor, plan, happened)
    return latest


def _undecided(auditor: Auditor, happened: Happened) -> bool:
    """Whether an order is on its way, by one table alone."""
    customers = set(happened.customers)
    return any(
        OrderStatus(item["status"]).is_open
        for item in auditor.order_items()
        if item["customer_id"] in customers
    )


def _read(auditor: Auditor, plan: Plan, happened: Happened) -> Books:
    levels = {sku: level["available"] for sku, level in auditor.stock().items()}
    return books_of(plan, happened, auditor.orders(), levels, auditor.audit())
