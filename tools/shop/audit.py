"""The shop's books, read from its tables, the provider's records and the sent mails; and whether they agree.

Nothing here looks at what a demo or a test sent: `audit` judges what is written down.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.dynamo import from_item
from tools.stack import Stack

_HELD_BY_PROVIDER = {"requires_capture", "succeeded"}
# What an order comes to that its customer is told of by mail: each at most once, however often its history has it.
_MAILED = {"confirmed", "rejected", "cancelled", "fulfilled"}
# A confirmed order's payment: what is held is about to be taken, or was.
_STANDING = {"authorized", "capturing", "captured"}


@dataclass(frozen=True)
class OrderBooks:
    """All that is written down of one order; what there is none of is None (or 0, or an empty list)."""

    order: dict[str, Any]
    reservation: dict[str, Any] | None
    payment: dict[str, Any] | None
    shipment: dict[str, Any] | None
    intents: list[dict[str, Any]]
    mails: list[dict[str, Any]]
    # Whether the customer may be written to by now: they were not erased, and their address did not bounce.
    is_reachable: bool = True

    def held(self) -> int:
        """Minor units that the provider holds of this order's customer."""
        return sum(
            intent["amount"] - intent.get("amount_refunded", 0)
            for intent in self.intents
            if intent["status"] in _HELD_BY_PROVIDER
        )

    def taken(self) -> int:
        """Minor units that the provider has taken of this order's customer, and not given back."""
        return sum(
            intent.get("amount_received", 0) - intent.get("amount_refunded", 0) for intent in self.intents
        )

    def mails_due(self) -> int:
        """How many mails the order's customer is owed by now: one about each outcome."""
        return len(_MAILED & {entry["status"] for entry in self.order["history"]})

    @property
    def has_its_mails(self) -> bool:
        """Whether each mail that is due was sent, once; whoever cannot be written to may lack some."""
        sent, due = len(self.mails), self.mails_due()
        return sent == due if self.is_reachable else sent <= due


@dataclass
class Audit:
    """What the books say, and every way in which they disagree."""

    orders: Counter[str] = field(default_factory=Counter)
    held: int = 0
    mails: int = 0
    mails_due: int = 0
    # Fulfilled orders whose stock is yet to be taken out of the warehouse.
    uncommitted: int = 0
    violations: list[str] = field(default_factory=list)


class Books:
    """Reads the tables of the deployed stack, whole; for demos and tests, not for a table of any size."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def table(self, logical_id: str) -> list[dict[str, Any]]:
        """Every item of a table, as plain values."""
        pages = (
            self._stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self._stack.resource(logical_id), ConsistentRead=True)
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def order_items(self) -> list[dict[str, Any]]:
        """Every order as it is stored (the table also holds a mark for each closed account)."""
        return [item for item in self.table("OrdersTable") if "order_id" in item]

    def stock(self) -> dict[str, dict[str, Any]]:
        """The stock levels (available, reserved) by sku."""
        return {item["sku"]: item for item in self.table("InventoryTable") if item["pk"].startswith("sku#")}

    def ledger(self) -> Counter[str]:
        """The sum of each sku's movements: what must be on hand, available and reserved."""
        moved: Counter[str] = Counter()
        for item in self.table("InventoryTable"):
            if item["pk"].startswith("movement#"):
                moved[item["sku"]] += item["quantity"]
        return moved

    def orders(self) -> dict[str, OrderBooks]:
        """What is written down of every order, by order id."""
        reservations = {
            item["order_id"]: item
            for item in self.table("InventoryTable")
            if item["pk"].startswith("reservation#")
        }
        payments = {item["order_id"]: item for item in self.table("PaymentsTable")}
        # The table holds marks of deleted customers as well.
        shipments = {item["order_id"]: item for item in self.table("ShippingTable") if "order_id" in item}
        intents = self.intents()
        mails = self._stack.sent_mails()
        unreachable = {item["pk"] for item in self.table("NotificationsTable") if _is_unreachable(item)}
        return {
            order["order_id"]: OrderBooks(
                order=order,
                reservation=reservations.get(order["order_id"]),
                payment=payments.get(order["order_id"]),
                shipment=shipments.get(order["order_id"]),
                intents=[
                    intent for intent in intents if intent["metadata"].get("order_id") == order["order_id"]
                ],
                mails=[mail for mail in mails if order["order_id"] in mail["BodyText"]],
                is_reachable=order["customer_id"] not in unreachable,
            )
            for order in self.order_items()
        }

    def intents(self) -> list[dict[str, Any]]:
        """The sandbox provider's payment intents: its own books, not ours."""
        return [item for item in self.table("PaymentsSandboxTable") if item["pk"].startswith("intent#")]

    def audit(self) -> Audit:
        """Checks every settled order and every product's stock; orders still on their way count as such."""
        audit = Audit()
        orders = self.orders()
        for order_id, books in orders.items():
            status = books.order["status"]
            audit.orders[status] += 1
            audit.held += books.held()
            audit.mails += len(books.mails)
            audit.mails_due += books.mails_due() if books.is_reachable else len(books.mails)
            audit.uncommitted += status == "fulfilled" and _status(books.reservation) != "committed"
            audit.violations += [f"{order_id} ({status}): {problem}" for problem in _problems(books)]
        audit.violations += self._stock_problems(orders)
        return audit

    def _stock_problems(self, orders: dict[str, OrderBooks]) -> list[str]:
        levels, ledger = self.stock(), self.ledger()
        reserved: Counter[str] = Counter()
        for books in orders.values():
            if books.reservation and books.reservation["status"] != "released":
                for line in books.reservation["lines"][books.reservation["shipped_lines"] :]:
                    reserved[line["sku"]] += line["quantity"]
        problems = [
            f"{sku}: the ledger has movements of no stock" for sku in sorted(ledger.keys() - levels.keys())
        ]
        for sku, level in levels.items():
            if level["available"] < 0:
                problems.append(f"{sku}: oversold by {-level['available']}")
            if level["available"] + level["reserved"] != ledger[sku]:
                problems.append(
                    f"{sku}: {level['available']} available and {level['reserved']} reserved, "
                    f"but the ledger's sum is {ledger[sku]}"
                )
            if level["reserved"] != reserved[sku]:
                problems.append(f"{sku}: {level['reserved']} reserved, but orders hold {reserved[sku]}")
        return problems


def _is_unreachable(address: dict[str, Any]) -> bool:
    """Whether an item of the addresses says that its user gets no mail."""
    is_suppressed = "email" in address and address["email"] == address.get("suppressed_email")
    return is_suppressed or "erased_at" in address


def _problems(books: OrderBooks) -> list[str]:
    status = books.order["status"]
    if status == "confirmed":
        is_dispatched = _status(books.shipment) == "dispatched"
        checks = {
            "no stock is reserved": is_dispatched or _status(books.reservation) == "reserved",
            "its stock is given back": _status(books.reservation) not in {None, "released"},
            "its payment does not stand": _status(books.payment) in _STANDING,
            "there is no parcel": is_dispatched or _status(books.shipment) == "created",
            f"the provider holds {books.held()}": books.held() == books.order["total"]["amount"],
        }
    elif status == "fulfilled":
        checks = {
            "its stock is not there": _status(books.reservation) in {"reserved", "committing", "committed"},
            "its money is not taken": _status(books.payment) == "captured",
            "its parcel has not left": _status(books.shipment) == "dispatched",
            f"the provider has {books.taken()}": books.taken() == books.order["total"]["amount"],
        }
    elif status in {"rejected", "cancelled"}:
        checks = {
            "stock is still reserved": _status(books.reservation) in {None, "released"},
            "its payment stands": _status(books.payment) in {None, "declined", "voided", "refunded"},
            "there is a parcel": _status(books.shipment) in {None, "cancelled"},
            f"the provider holds {books.held()}": books.held() == 0,
        }
    else:
        return []
    checks["its total is not what its lines and shipping add up to"] = _adds_up(books.order)
    checks[f"{len(books.mails)} mails were sent"] = books.has_its_mails
    return [problem for problem, holds in checks.items() if not holds]


def _adds_up(order: dict[str, Any]) -> bool:
    lines = sum(line["quantity"] * line["unit_price"]["amount"] for line in order["lines"])
    breakdown = order["breakdown"]
    return bool(
        breakdown["lines"]["amount"] == lines
        and order["total"]["amount"] == lines + breakdown["shipping"]["amount"]
    )


def _status(record: dict[str, Any] | None) -> str | None:
    return record["status"] if record else None
