"""What must hold whatever went wrong, read from the tables, the provider's records, the mails, and what was promised.

`always` holds at every moment; `settled` when nothing more will happen by itself. The rules of a settled order are
those of `tools.shop.audit`, which check the deployed stack too. The rules here need the schedule or a history.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tests.faults.cloud import Cloud
from tools.shop.audit import Auditor, OrderRecords
from tools.stack import Stack

# Each of them is checked after every schedule: see tests/faults/README.md.
RULES = (
    "nothing is oversold, and the ledger agrees with the shelves",
    "no customer is charged twice, or for an order that is rejected or cancelled",
    "a fulfilled order's stock has left, its money is taken, and its parcel is on its way",
    "a rejected or cancelled order has none of them",
    "no order is rejected that was confirmed, unless an operator resumed it",
    "no parcel leaves after its address was erased",
    "at no moment does a reservation outlive its order: what is rejected or cancelled has released its stock",
    "no money is held for an order that was never accepted",
    "every order is final or parked, and a parked one is final once an operator has mended and resumed",
    "a parked order keeps the state of its saga, and holds only what could not be undone",
    "every order whose client got its id exists, and no client has two for one key",
    "no order is left to the reconciler that its saga could abandon or its cancellation could park",
    "each outcome is mailed once",
    "a return is refunded once, with what its inspection granted, and never is more refunded than was taken",
    "no piece is in two returns, and never more comes back than was bought",
    "the pieces of a return that are for sale again come back into stock once",
    "every fulfilled order can be returned, and every return whose client got its id exists",
    "every return has come to its end or has its label, and operators see no other one",
    "a refund that failed after all is an issue of its order until an operator has settled it",
    "every execution has ended, and a redrive leaves no dead letter",
)
_UNDONE = {"rejected", "cancelled"}
_FINAL = {"fulfilled", *_UNDONE}
_ENDED_RETURNS = {"refunded", "closed", "refused", "withdrawn", "expired"}
_HELD = {"requires_capture", "succeeded"}
# A saga that was cut off, and the steps without which no state machine can give an order up.
_MENDED_BY_THE_RECONCILER = {"OrderSaga", "OrdersStepsFunction/abandon", "OrdersStepsFunction/park"}


class _HarnessStack(Stack):
    """The harness's account, as `tools.shop.audit` reads a stack."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__("in process")
        object.__setattr__(self, "cloud", cloud)

    def client(self, service: str) -> Any:
        """The harness's client."""
        from shared.aws import client

        return client(service)

    def resource(self, logical_id: str) -> str:
        """A resource's name is its logical id here."""
        return logical_id

    def sent_mails(self) -> list[dict[str, Any]]:
        """The mails that the harness's SES took."""
        mails: list[dict[str, Any]] = self.cloud.world.mails  # type: ignore[attr-defined]
        return mails


class _HarnessAuditor(Auditor):
    """Reads the tables' items as they lie there, which a scan would take much longer to page through."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(_HarnessStack(cloud))
        self._cloud = cloud

    def table(self, logical_id: str) -> list[dict[str, Any]]:
        """See Auditor."""
        return self._cloud.items(logical_id)

    def has(self, logical_id: str) -> bool:
        """See Auditor."""
        return logical_id in self._cloud.template.tables


def always(cloud: Cloud) -> list[str]:
    """What is wrong at this moment, whether or not more is to come."""
    # Many moments differ only beside the tables, and a rule that reads tables alone has said all about those.
    content = cloud.tables.number
    if content not in cloud.judged:
        cloud.judged[content] = _of_tables(cloud)
    return cloud.judged[content] + _of_all_parked(cloud)


def _of_all_parked(cloud: Cloud) -> list[str]:
    """What is wrong with the parked orders, if nothing goes on until an operator resumes them."""
    if not (cloud.resumable and cloud.at_rest):
        return []
    return [
        f"{order_id} (parked): {problem}"
        for order_id, records in _HarnessAuditor(cloud).orders().items()
        if records.order["status"] == "parked"
        for problem in _of_parked(cloud, records)
    ]


def _of_tables(cloud: Cloud) -> list[str]:
    """What is wrong, at any moment, with the content of the tables."""
    wrong = [
        f"{item['sku']}: {item['available']} available, {item['reserved']} reserved"
        for item in cloud.items("InventoryTable")
        if item["pk"].startswith("sku#") and (item["available"] < 0 or item["reserved"] < 0)
    ]
    ended = {order["pk"] for order in cloud.items("OrdersTable") if order.get("status") in _UNDONE}
    wrong += [
        f"{item['order_id']} is rejected or cancelled and still holds stock"
        for item in cloud.items("InventoryTable")
        if item["pk"].startswith("reservation#")
        and item["status"] == "reserved"
        and item["order_id"] in ended
    ]
    wrong += _of_refunds(cloud)
    held: Counter[str] = Counter()
    for intent in cloud.items("PaymentsSandboxTable"):
        if not intent["pk"].startswith("intent#") or intent["status"] not in _HELD:
            continue
        if intent["amount_refunded"] < intent["amount"]:
            held[intent["metadata"]["order_id"]] += 1
    wrong += [f"{order_id}: its money is held {times} times" for order_id, times in held.items() if times > 1]
    return wrong


def settled(cloud: Cloud) -> list[str]:
    """What is wrong now that nothing more will happen by itself."""
    auditor = _HarnessAuditor(cloud)
    orders = auditor.orders()
    wrong = [
        violation for violation in auditor.audit().violations if not violation.endswith("mails were sent")
    ]
    world = cloud.world
    for order_id, order in orders.items():
        wrong += [f"{order_id} ({order.order['status']}): {problem}" for problem in _of_order(cloud, order)]
    for intent in auditor.intents():
        order_id = intent["metadata"].get("order_id")
        if intent["status"] in _HELD and order_id not in orders:
            wrong.append(f"the provider holds {intent['amount']} for {order_id}, which is no order")
    made = {name: made_id for name, status, made_id in world.answered if status == 201}
    for name, made_id in made.items():
        if made_id not in orders and not made_id.startswith("ret_"):
            wrong.append(f"{name} got {made_id}, which is no order")
    for name, status, made_id in world.answered:
        if status == 201 and made[name] != made_id:
            wrong.append(f"{name} has {made_id} and {made[name]}")
    customers = Counter(order.order["customer_id"] for order in orders.values())
    wrong += [
        f"{customer} has {number} orders for one key" for customer, number in customers.items() if number > 1
    ]
    wrong += [
        f"{execution_id} stands at {execution.state}"
        for execution_id, execution in world.executions.items()
        if execution.status == "RUNNING"
    ]
    if "OrdersReconcileFunction" in world.helped and not _MENDED_BY_THE_RECONCILER & world.ever_broken:
        wrong.append("an order was left to the reconciler, though it could have been undone or parked")
    wrong += [f"dead letter after the last redrive: {letter}" for letter in world.dead_letters]
    return wrong + _of_returns(cloud, orders)


def _of_returns(cloud: Cloud, orders: dict[str, OrderRecords]) -> list[str]:
    """What is wrong with the returns, now that each of them has had all of its effects."""
    labels = {item["pk"]: item for item in cloud.items("ShippingTable") if item["pk"] != item.get("order_id")}
    listed = {item["pk"]: item["waiting"] for item in cloud.items("ReturnsTable") if "waiting" in item}
    wrong, known = [], set()
    for order_id, records in orders.items():
        if records.returns is None:
            if records.order["status"] == "fulfilled":
                wrong.append(f"{order_id}: nothing of it can be returned")
            continue
        restocked: Counter[str] = Counter()
        for entry in records.returns["returns"]:
            known.add(entry["return_id"])
            restocked += _pieces((entry.get("findings") or {}).get("restocked", []))
            label = labels.get(entry["return_id"], {})
            problems = _of_return(entry, label, listed.pop(entry["return_id"], None), records)
            wrong += [f"{entry['return_id']} ({entry['status']}): {problem}" for problem in problems]
        if (came_back := _pieces(records.received)) != restocked:
            wrong.append(f"{order_id}: {dict(restocked)} to restock, and {dict(came_back)} came back")
    wrong += [f"{return_id} is listed as {status}, and is no return" for return_id, status in listed.items()]
    asked = {made for _, status, made in cloud.world.answered if status == 201 and made.startswith("ret_")}
    return wrong + [f"a customer got {return_id}, which is no return" for return_id in sorted(asked - known)]


def _of_return(
    entry: dict[str, Any], label: dict[str, Any], listed: str | None, records: OrderRecords
) -> list[str]:
    return_id, status, findings = entry["return_id"], entry["status"], entry.get("findings")
    granted = (entry.get("refund") or {}).get("amount", 0)
    refunds = [
        refund
        for intent in records.intents
        for refund in intent.get("refunds", [])
        if refund["metadata"].get("return_id") == return_id
    ]
    asked = records.of_returns.refunds.get(return_id, {})
    made = asked["amount"] if asked.get("is_made") else 0
    accepted = _pieces(findings["restocked"] + findings["written_off"]).total() if findings else 0
    known = records.order.get("returned", {}).get(return_id, {})
    issues = records.order.get("payment_issues", [])
    checks = {
        "it waits for somebody": status in {"labelled", *_ENDED_RETURNS},
        f"it is listed as {listed}": listed == (status if status == "labelled" else None),
        "its label is not the carrier's": entry.get("tracking_reference")
        in {None, label.get("tracking_reference")},
        f"{len(refunds)} refunds of {granted}": [refund["amount"] for refund in refunds]
        == [granted][: granted > 0],
        "payments do not know its refund": made == granted,
        "its order does not know it": known == ({"pieces": accepted, "refunded": granted} if granted else {}),
        "its failed refund is no issue": all(
            f"refund_failed:{refund['id']}" in issues for refund in refunds if refund["status"] == "failed"
        ),
    }
    return [problem for problem, holds in checks.items() if not holds]


def _pieces(lines: Iterable[dict[str, Any]]) -> Counter[str]:
    """The pieces of each sku."""
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line["sku"]] += line["quantity"]
    return pieces


def _of_refunds(cloud: Cloud) -> list[str]:
    """What is wrong, at any moment, with the money and the pieces that went back."""
    wrong = []
    for intent in cloud.items("PaymentsSandboxTable"):
        if not intent.get("refunds"):
            continue
        if intent["amount_refunded"] > intent["amount_received"]:
            wrong.append(f"{intent['amount_refunded']} of {intent['amount_received']} went back")
        for return_id, times in Counter(
            refund["metadata"].get("return_id") for refund in intent["refunds"]
        ).items():
            if times > 1:
                wrong.append(f"{return_id} was refunded {times} times")
    if any("returned_by" in item for item in cloud.items("ReturnsTable")):
        for order_id, records in _HarnessAuditor(cloud).orders().items():
            wrong += [f"{order_id}: {problem}" for problem in records.of_returns.problems()]
    return wrong


def _left_standing(cloud: Cloud, records: OrderRecords) -> list[str]:
    """What a parked order still holds though nothing kept it from being undone."""
    broken = cloud.world.ever_broken
    if any(entry["status"] == "confirmed" for entry in records.order["history"]):
        # The parcel comes first: as long as nobody knows that it stays, nothing else is undone. Where the order could
        # not be parked either, the reconciler did so, who does not know why.
        dispatched = records.shipment is not None and records.shipment["status"] == "dispatched"
        if dispatched or {"ShippingStepsFunction/cancel", "OrdersStepsFunction/refuse_cancellation"} & set(
            broken
        ):
            return []
        if "cancel_shipment_error" in json.loads(records.order["parked_state"]):
            return ["parked for its parcel, which could be cancelled"]
    stands = {
        "InventoryStepsFunction/release": records.reservation and records.reservation["status"] == "reserved",
        "PaymentsStepsFunction/void": records.held() > 0,
        "ShippingStepsFunction/cancel": records.shipment and records.shipment["status"] == "created",
    }
    return [
        f"parked, and {name} was not to blame" for name, left in stands.items() if left and name not in broken
    ]


def _of_parked(cloud: Cloud, records: OrderRecords) -> list[str]:
    state = json.loads(records.order.get("parked_state") or "{}")
    wrong = _left_standing(cloud, records)
    if state.get("order", {}).get("order_id") != records.order["order_id"]:
        wrong.append("parked without the saga's state")
    return wrong


def _is_uncollected(records: OrderRecords) -> bool:
    """Whether an order waits, parked, for somebody to collect what no resumption can: its parcel left first."""
    parts = {(record or {}).get("status") for record in (records.payment, records.shipment)}
    return records.order["status"] == "parked" and parts == {"capture_failed", "dispatched"}


def _of_order(cloud: Cloud, records: OrderRecords) -> list[str]:
    order = records.order
    status = order["status"]
    wrong = []
    if status not in _FINAL and not _is_uncollected(records):
        # Also a parked one: an operator has resumed it by then, with all mended.
        wrong.append("not final")
    statuses = {entry["status"] for entry in order["history"]}
    if status == "rejected" and "confirmed" in statuses and "parked" not in statuses:
        wrong.append("rejected, though it was confirmed")
    if status == "fulfilled" and (records.reservation or {}).get("status") != "committed":
        wrong.append("fulfilled, and its stock has not left")
    due, sent = records.mails_due(), len(records.mails)
    if not due <= sent <= due + cloud.world.doubtful_mails:
        wrong.append(f"{sent} mails, {due} due, {cloud.world.doubtful_mails} in doubt")
    return wrong
