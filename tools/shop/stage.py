"""The stage of the demo: places orders, waits for their ends, checks them, and prints what happens."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.shop.timeline import timeline
from tools.stack import Stack
from tools.waiting import wait_for

TEA, DARJEELING, RARE = "TEA-ASSAM-100", "TEA-DARJ-100", "TEA-GLASS-LTD"
RARE_STOCK = 3


class DemoFailed(Exception):
    """The system broke a promise of the demo; the message says which."""


@dataclass
class Stage:
    """The deployed shop, and the orders that the demo has placed there."""

    stack: Stack
    started: float = field(default_factory=time.monotonic)
    placed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.shop = Shop(self.stack)
        self.auditor = Auditor(self.stack)

    @property
    def seconds(self) -> float:
        """How long the demo has run."""
        return time.monotonic() - self.started

    def scene(self, title: str, what: str) -> None:
        """Begins a scene."""
        print(f"\n[{self.seconds:6.1f} s] {title}\n           {what}")

    def place(
        self, customer: Customer, lines: dict[str, int], *, quiet: bool = False, **options: Any
    ) -> dict[str, Any]:
        """Places an order that must be accepted."""
        answer = self.shop.place(customer, lines, **options)
        expect(answer.status_code == 201, f"POST /orders answered {answer.status_code}: {answer.text}")
        order = dict(answer.json())
        self.placed.add(order["order_id"])
        if not quiet:
            total = order["total"]
            say(f"POST /orders 201  {order['order_id']}  {total['amount'] / 100:.2f} {total['currency']}")
        return order

    def ends(
        self, customer: Customer, placed: dict[str, Any], status: str, reason: str | None = None
    ) -> None:
        """Waits for the order's end and its mails, shows its timeline, and expects `status` and `reason`."""
        order = self.shop.settled(customer, placed["order_id"])

        def mailed() -> bool:
            records = self.auditor.orders()[order["order_id"]]
            return len(records.mails) >= records.mails_due()

        if self.stack.shows_mails:
            wait_for(mailed, f"the mails about {order['order_id']}", seconds=60)
        moments = timeline(self.stack, order)
        for moment in moments:
            say(f"+{(moment.at - moments[0].at).total_seconds():6.2f} s  {moment.service:<14} {moment.what}")
        expect(order["status"] == status, f"the order is {order['status']}, not {status}")
        expect(
            order.get("rejection_reason") == reason,
            f"the reason is {order.get('rejection_reason')}, not {reason}",
        )

    def stock_up(self) -> None:
        """Brings the rare product to exactly its three pieces again, as an admin does after a delivery or a count."""
        missing = RARE_STOCK - self.auditor.stock()[RARE]["available"]
        if not missing:
            return
        movement = {"kind": "receipt", "quantity": missing, "reason": "delivery for the demo"}
        if missing < 0:
            movement |= {"kind": "adjustment", "reason": "counted for the demo"}
        answer = self.shop.request(
            "POST",
            f"/inventory/{RARE}/movements",
            token=self.shop.admin().token,
            headers={"Idempotency-Key": str(uuid4())},
            json=movement,
        )
        expect(answer.status_code == 201, f"the movement answered {answer.status_code}: {answer.text}")
        say(f"POST /inventory/{RARE}/movements 201  {movement['kind']} of {missing}")


def say(line: str) -> None:
    """Prints one line of a scene."""
    print(f"           {line}", flush=True)


def expect(holds: bool, otherwise: str) -> None:
    """Raises DemoFailed with `otherwise` unless `holds`."""
    if not holds:
        raise DemoFailed(otherwise)


def bill(breakdown: dict[str, Any]) -> None:
    """Prints the lines of a bill, in the currency's whole units."""
    tax = breakdown["tax"]
    rows = [
        ("lines", breakdown["lines"]),
        ("shipping", breakdown["shipping"]),
        ("total", breakdown["total"]),
        (f"of which {tax['rate_basis_points'] / 100:g} % VAT ({tax['country']})", tax["amount"]),
    ]
    for name, money in rows:
        say(f"  {name:<24} {money['amount'] / 100:>8.2f} {money['currency']}")
