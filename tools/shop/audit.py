"""The audit: reads the shop's tables, the provider's records and the sent mails, and checks that they agree.

It knows nothing of the requests of a demo or a test: it checks stored records alone.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.dynamo import from_item, to_item
from tools.console import StepError
from tools.shop.audit_of_returns import ReturnRecords
from tools.stack import Stack

_HELD_BY_PROVIDER = {"requires_capture", "succeeded"}
# The customer gets one mail about each of these, however often the order's history has it.
_MAILED = {"confirmed", "rejected", "cancelled", "fulfilled"}
# The payment of a confirmed order is authorized, or captured, or on the way there.
_STANDING = {"authorized", "capturing", "captured"}


@dataclass(frozen=True)
class OrderRecords:
    """All records of one order; a missing record is None, or an empty list."""

    order: dict[str, Any]
    reservation: dict[str, Any] | None
    payment: dict[str, Any] | None
    shipment: dict[str, Any] | None
    intents: list[dict[str, Any]]
    # None if the stack does not show what it sent.
    shown_mails: list[dict[str, Any]] | None
    # Whether the customer may get mail: their account was not erased, and their address did not bounce.
    is_reachable: bool = True
    # The returns service's item, and the ledger's movements of pieces that came back.
    returns: dict[str, Any] | None = None
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def of_returns(self) -> ReturnRecords:
        """The records of the order's returns."""
        return ReturnRecords(self.order, self.payment, self.intents, self.received, self.returns)

    @property
    def total(self) -> int:
        """Minor units that the customer is charged."""
        return int(self.order["breakdown"]["total"]["amount"])

    def held(self) -> int:
        """Minor units that the provider has authorized or captured for this order, and not refunded."""
        return sum(
            intent["amount"] - intent.get("amount_refunded", 0)
            for intent in self.intents
            if intent["status"] in _HELD_BY_PROVIDER
        )

    def captured(self) -> int:
        """Minor units that the provider has captured for this order, and not refunded."""
        return sum(
            intent.get("amount_received", 0) - intent.get("amount_refunded", 0) for intent in self.intents
        )

    @property
    def mails(self) -> list[dict[str, Any]]:
        """The mails about the order; raises StepError if the stack does not show what it sent."""
        if self.shown_mails is None:
            raise StepError(
                f"The stack does not show the mails about {self.order['order_id']}.",
                "Only the embedded cloud does. A system test that reads mails is marked as `embedded_only`.",
            )
        return self.shown_mails

    def mails_due(self) -> int:
        """How many mails about the order are due by now: one about each outcome of it, and of each of its returns."""
        outcomes = len(_MAILED & {entry["status"] for entry in self.order["history"]})
        return outcomes + self.of_returns.mails_due()

    @property
    def has_its_mails(self) -> bool:
        """Whether each mail that is due was sent once; an unreachable customer may lack some.

        It is true if the stack does not show what it sent.
        """
        if self.shown_mails is None:
            return True
        sent, due = len(self.mails), self.mails_due()
        return sent == due if self.is_reachable else sent <= due


@dataclass
class Findings:
    """The figures of an audit, and every contradiction that it found."""

    orders: Counter[str] = field(default_factory=Counter)
    held: int = 0
    mails: int = 0
    mails_due: int = 0
    # Fulfilled orders whose reserved stock is not committed yet.
    uncommitted: int = 0
    violations: list[str] = field(default_factory=list)


class Auditor:
    """Reads the tables of the deployed stack, most of them whole: for demos and tests, not for large tables.

    It leaves out the mails if the stack does not show what it sent.
    """

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
        """Every order as it is stored (the table also holds marks of closed accounts, and declines)."""
        return [item for item in self.table("OrdersTable") if "order_id" in item]

    def stock(self) -> dict[str, dict[str, Any]]:
        """The stock levels (available, reserved) by sku."""
        return {item["sku"]: item for item in self.table("InventoryTable") if item["pk"].startswith("sku#")}

    def ledger(self) -> Counter[str]:
        """The sum of each sku's movements: it must equal the available and the reserved pieces."""
        moved: Counter[str] = Counter()
        for item in self.table("InventoryTable"):
            if item["pk"].startswith("movement#"):
                moved[item["sku"]] += item["quantity"]
        return moved

    def orders(self) -> dict[str, OrderRecords]:
        """The records of every order, by order id."""
        reservations = {
            item["order_id"]: item
            for item in self.table("InventoryTable")
            if item["pk"].startswith("reservation#")
        }
        payments = {item["order_id"]: item for item in self.table("PaymentsTable")}
        # The table holds labels of returns and marks of deleted customers as well.
        shipments = {
            item["order_id"]: item
            for item in self.table("ShippingTable")
            if item["pk"] == item.get("order_id")
        }
        intents, returns, received = self.intents(), self.returns(), self._received()
        mails = self._stack.sent_mails() if self._stack.shows_mails else None
        unreachable = {item["pk"] for item in self.table("NotificationsTable") if _is_unreachable(item)}
        return {
            order["order_id"]: OrderRecords(
                order=order,
                reservation=reservations.get(order["order_id"]),
                payment=payments.get(order["order_id"]),
                shipment=shipments.get(order["order_id"]),
                intents=[
                    intent for intent in intents if intent["metadata"].get("order_id") == order["order_id"]
                ],
                shown_mails=None if mails is None else _about(order["order_id"], mails),
                is_reachable=order["customer_id"] not in unreachable,
                returns=returns.get(order["order_id"]),
                received=received.get(order["order_id"], []),
            )
            for order in self.order_items()
        }

    def order(self, order_id: str) -> OrderRecords:
        """The records of one order, without a look at the others; raises KeyError if the order does not exist."""
        order = self._item("OrdersTable", order_id)
        if order is None:
            raise KeyError(order_id)
        mails = self._stack.sent_mails() if self._stack.shows_mails else None
        address = self._item("NotificationsTable", order["customer_id"])
        return OrderRecords(
            order=order,
            reservation=self._item("InventoryTable", f"reservation#{order_id}"),
            payment=self._item("PaymentsTable", order_id),
            shipment=self._item("ShippingTable", order_id),
            intents=self._intents_of(order_id),
            shown_mails=None if mails is None else _about(order_id, mails),
            is_reachable=address is None or not _is_unreachable(address),
            returns=self._item("ReturnsTable", order_id) if self.has("ReturnsTable") else None,
            received=self._found(
                "InventoryTable",
                "begins_with(pk, :kept) AND kind = :kind AND order_id = :order",
                {":kept": "movement#", ":kind": "receipt", ":order": order_id},
            ),
        )

    def has(self, logical_id: str) -> bool:
        """Whether the stack has this resource; one may be deployed without the returns service."""
        return logical_id in self._stack.resources

    def returns(self) -> dict[str, dict[str, Any]]:
        """The returns of each order that has any, by order id."""
        items = self.table("ReturnsTable") if self.has("ReturnsTable") else []
        return {item["order_id"]: item for item in items if item["pk"] == item.get("order_id")}

    def _received(self) -> dict[str, list[dict[str, Any]]]:
        """The ledger's movements of pieces that came back, by order id."""
        received: dict[str, list[dict[str, Any]]] = {}
        for item in self.table("InventoryTable"):
            # A receipt of an order is what came back of it.
            if item["pk"].startswith("movement#") and item["kind"] == "receipt" and "order_id" in item:
                received.setdefault(item["order_id"], []).append(item)
        return received

    def intents(self) -> list[dict[str, Any]]:
        """The payment intents of the sandbox provider: its own records, not ours."""
        return [item for item in self.table("PaymentsSandboxTable") if item["pk"].startswith("intent#")]

    def _intents_of(self, order_id: str) -> list[dict[str, Any]]:
        return self._found(
            "PaymentsSandboxTable",
            "begins_with(pk, :intent) AND metadata.order_id = :order",
            {":intent": "intent#", ":order": order_id},
        )

    def _found(self, logical_id: str, expression: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """The items of a table that a scan's filter lets through."""
        pages = (
            self._stack.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self._stack.resource(logical_id),
                ConsistentRead=True,
                FilterExpression=expression,
                ExpressionAttributeValues=to_item(values),
            )
        )
        return [from_item(item) for page in pages for item in page["Items"]]

    def _item(self, logical_id: str, key: str) -> dict[str, Any] | None:
        found = self._stack.client("dynamodb").get_item(
            TableName=self._stack.resource(logical_id), Key=to_item({"pk": key}), ConsistentRead=True
        )
        return from_item(found["Item"]) if "Item" in found else None

    def audit(self) -> Findings:
        """Checks every settled order and every product's stock; an order in progress is only counted."""
        found = Findings()
        orders = self.orders()
        for order_id, records in orders.items():
            status = records.order["status"]
            found.orders[status] += 1
            found.held += records.held()
            if records.shown_mails is not None:
                sent = len(records.shown_mails)
                found.mails += sent
                found.mails_due += records.mails_due() if records.is_reachable else sent
            found.uncommitted += status == "fulfilled" and _status(records.reservation) != "committed"
            found.violations += [f"{order_id} ({status}): {problem}" for problem in _problems(records)]
        found.violations += self._stock_problems(orders)
        return found

    def _stock_problems(self, orders: dict[str, OrderRecords]) -> list[str]:
        levels, ledger = self.stock(), self.ledger()
        reserved: Counter[str] = Counter()
        for records in orders.values():
            if records.reservation and records.reservation["status"] != "released":
                for line in records.reservation["lines"][records.reservation["shipped_lines"] :]:
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


def _about(order_id: str, mails: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [mail for mail in mails if order_id in mail["BodyText"]]


def _is_unreachable(address: dict[str, Any]) -> bool:
    """Whether an item of the notifications table says that its user gets no mail."""
    is_suppressed = "email" in address and address["email"] == address.get("suppressed_email")
    return is_suppressed or "erased_at" in address


def _problems(records: OrderRecords) -> list[str]:
    status = records.order["status"]
    if status == "confirmed":
        is_dispatched = _status(records.shipment) == "dispatched"
        checks = {
            "its stock is not reserved": is_dispatched or _status(records.reservation) == "reserved",
            "its stock is released": _status(records.reservation) not in {None, "released"},
            "its payment is neither authorized nor captured": _status(records.payment) in _STANDING,
            "there is no parcel": is_dispatched or _status(records.shipment) == "created",
            f"the provider holds {records.held()}": records.held() == records.total,
        }
    elif status == "fulfilled":
        checks = {
            "its stock is not there": _status(records.reservation) in {"reserved", "committing", "committed"},
            "its payment is not captured": _status(records.payment) == "captured",
            "its parcel has not left": _status(records.shipment) == "dispatched",
            "its parcel left without an address": not _left_without_address(records.shipment),
            f"the provider has {records.captured()}": (
                records.total - records.captured() in records.of_returns.given_back()
            ),
        }
    elif status in {"rejected", "cancelled"}:
        checks = {
            "stock is still reserved": _status(records.reservation) in {None, "released"},
            "its payment is not undone": _status(records.payment) in {None, "declined", "voided", "refunded"},
            "there is a parcel": _status(records.shipment) in {None, "cancelled"},
            f"the provider holds {records.held()}": records.held() == 0,
        }
    else:
        return []
    checks["its total is not what its lines and shipping add up to"] = _adds_up(records.order)
    checks[f"{len(records.shown_mails or [])} mails were sent"] = records.has_its_mails
    return [*(problem for problem, holds in checks.items() if not holds), *records.of_returns.problems()]


def _adds_up(order: dict[str, Any]) -> bool:
    lines = sum(line["quantity"] * line["unit_price"]["amount"] for line in order["lines"])
    breakdown = order["breakdown"]
    return bool(
        breakdown["lines"]["amount"] == lines
        and breakdown["total"]["amount"] == lines + breakdown["shipping"]["amount"]
    )


def _left_without_address(shipment: dict[str, Any] | None) -> bool:
    """Whether the shipment's address was erased before its dispatch: an erasure afterwards is a later version."""
    return bool(
        shipment
        and "erased_at" in shipment["parcel"]["address"]
        and shipment["version"] == shipment.get("dispatched_version")
    )


def _status(record: dict[str, Any] | None) -> str | None:
    return record["status"] if record else None
