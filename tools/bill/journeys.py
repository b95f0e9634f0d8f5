"""The orders that the bill is about: each kind is placed, followed to its end, and looked at as a customer does."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from uuid import uuid4

from inventory.adapters.stock_ledger import StockLedger
from shared.clock import utc_now
from tools.bill.declared import Declared
from tools.bill.recording import Recording
from tools.console import Progress, StepError
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.shop.stage import DARJEELING, RARE, RARE_STOCK, TEA
from tools.stack import Stack
from tools.waiting import wait_for

_LONGEST_SECONDS = 90
_PACE_SECONDS = 1.0
_CUSTOMERS = 8
_ENDS = {"rejected", "cancelled", "parked"}
# A refused card, an address that no carrier serves, and more than the warehouse has, by turns.
_REFUSALS: tuple[tuple[dict[str, int], dict[str, Any]], ...] = (
    ({TEA: 1, DARJEELING: 1}, {"payment_token": "pm_card_chargeDeclined"}),  # nosec B105 - a test token
    ({TEA: 1, DARJEELING: 1}, {"country": "AQ"}),
    ({TEA: 1, RARE: RARE_STOCK + 1}, {}),
)


@dataclass
class Journeys:
    """The customers' side of a run."""

    stack: Stack
    declared: Declared
    recording: Recording
    progress: Progress
    kind: str = "bill"
    """Is in the mail address of each customer."""

    def __post_init__(self) -> None:
        self.shop = Shop(self.stack, self.kind)
        self.auditor = Auditor(self.stack)
        self._waiting_before = self._waiting()
        # By turns, because an account may have few undecided orders and few declined payments.
        self._customers = cycle([self.shop.sign_up("Bill Example") for _ in range(_CUSTOMERS)])
        self._customer_of: dict[str, Customer] = {}

    def stock_up(self, orders: int) -> None:
        """Receives a delivery for so many orders; earlier runs may have taken the stock."""
        ledger = StockLedger(self.stack.client("dynamodb"), self.stack.resource("InventoryTable"))
        for sku in (TEA, DARJEELING):
            ledger.receive(
                sku, orders, movement_id=f"bill-{uuid4().hex}", correlation_id="bill", now=utc_now()
            )

    def fulfilled(self, orders: int) -> None:
        """Places orders of two lines. The customer looks at each after its confirmation and after its dispatch."""
        placed = [self._place({TEA: 1, DARJEELING: 1}) for _ in self._paced(orders)]
        self._end(placed, {"confirmed", "fulfilled"}, "confirmed")
        self._look(placed)
        self._end(placed, {"fulfilled"}, "fulfilled")
        self._look(placed)
        self.settle()

    def rejected(self, orders: int) -> None:
        """Places orders that the shop rejects, for each reason by turns. The customer looks once."""
        reasons = cycle(_REFUSALS)
        placed = [
            self._place(lines, **options) for lines, options in (next(reasons) for _ in self._paced(orders))
        ]
        self._end(placed, {"rejected"}, "rejected")
        self._look(placed)
        self.settle()

    def cancelled(self, orders: int) -> None:
        """Places orders, cancels each as soon as it is confirmed, and looks before and after."""
        placed = []
        for _ in self._paced(orders):
            placed.append(self._place({TEA: 1, DARJEELING: 1}))
            self._end(placed[-1:], {"confirmed"}, "confirmed")
            self._look(placed[-1:])
            token = self._customer_of[placed[-1]].token
            answer = self.shop.request("POST", f"/orders/{placed[-1]}/cancel", token=token)
            answer.raise_for_status()
        self._end(placed, {"cancelled"}, "cancelled")
        self._look(placed)
        self.settle()

    def settle(self) -> None:
        """Waits until nothing moves: nothing new is recorded, and no message waits or is worked on but older ones."""
        seen: list[int] = []

        def is_still() -> bool:
            waiting = self._waiting()
            if any(number > self._waiting_before[queue] for queue, number in waiting.items()):
                seen.clear()
                return False
            seen.append(len(self.recording.facts()))
            return len(seen) >= 3 and len(set(seen[-3:])) == 1

        wait_for(is_still, "the end of all that the orders caused", seconds=_LONGEST_SECONDS)

    def _waiting(self) -> dict[str, int]:
        """By queue: the messages that wait, are delayed, or are worked on."""
        sqs = self.stack.client("sqs")
        names = [f"ApproximateNumberOfMessages{name}" for name in ("", "NotVisible", "Delayed")]
        waiting = {}
        for queue in self.declared.queues_read:
            url = self.stack.resource(queue)
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            waiting[queue] = sum(int(number) for number in found.values())
        return waiting

    def _paced(self, orders: int) -> Iterator[int]:
        """Counts to `orders`, one a second: the number of records in a batch depends on the pace."""
        started = time.monotonic()
        for number in range(orders):
            time.sleep(max(0.0, started + number * _PACE_SECONDS - time.monotonic()))
            yield number
            self.progress.report(f"  {number + 1} of {orders} orders placed")

    def _place(self, lines: dict[str, int], **options: Any) -> str:
        customer = next(self._customers)
        answer = self.shop.place(customer, lines, **options)
        if answer.status_code != 201:
            raise StepError(f"POST /orders answered {answer.status_code}: {answer.text}", "Run `make seed`.")
        order_id: str = answer.json()["order_id"]
        self._customer_of[order_id] = customer
        return order_id

    def _look(self, orders: list[str]) -> None:
        for order in orders:
            self.shop.order(self._customer_of[order], order)

    def _end(self, orders: list[str], statuses: set[str], what: str) -> None:
        """Waits for it by the records, not by the API, whose requests count; raises StepError for another end."""

        def ended() -> bool:
            items = {item["order_id"]: item for item in self.auditor.order_items()}
            now = [items[order]["status"] for order in orders]
            if lost := _ENDS.intersection(now) - statuses:
                raise StepError(
                    f"{len(orders)} orders should have been {what}; some are {' or '.join(sorted(lost))}.",
                    "On a busy machine a step may run out of time. Try again when it has less to do.",
                )
            return statuses.issuperset(now)

        wait_for(ended, f"{len(orders)} orders to be {what}", seconds=_LONGEST_SECONDS)
