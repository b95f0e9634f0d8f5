"""The trials. Each breaks one function of the running shop, for as long as its story takes."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from tests.patterns.trial import Figures, Story, Trial
from tools.api import FINAL
from tools.waiting import NotInTime, wait_for

_TEA = "TEA-ASSAM-100"
_UNDECIDED_SECONDS = 20


def _euros(amount: int) -> str:
    return f"{amount / 100:.2f} EUR"


def _intents(story: Story, order_ids: list[str]) -> list[dict[str, Any]]:
    """What the payment provider has about these orders."""
    return [intent for intent in story.auditor.intents() if intent["metadata"].get("order_id") in order_ids]


def _held(story: Story, order_ids: list[str]) -> str:
    held = [intent for intent in _intents(story, order_ids) if intent["status"] != "canceled"]
    return f"{len(held)} x, {_euros(sum(intent['amount'] for intent in held))}"


def _one_order_sent_twice(story: Story) -> Figures:
    key = f"lab-{uuid4()}"
    answers = [story.shop.place(story.customer, {_TEA: 1}, key=key) for _ in range(2)]
    order_ids = sorted({answer.json()["order_id"] for answer in answers})
    for order_id in order_ids:
        story.shop.settled(story.customer, order_id)
    return {"orders": str(len(order_ids)), "money held or taken": _held(story, order_ids)}


def _an_api_that_dies_after_its_write(story: Story) -> Figures:
    key = f"lab-{uuid4()}"
    story.shop.place(story.customer, {_TEA: 1}, key=key)
    order_id = story.shop.place(story.customer, {_TEA: 1}, key=key).json()["order_id"]
    try:
        status = str(story.shop.settled(story.customer, order_id, seconds=_UNDECIDED_SECONDS)["status"])
    except NotInTime:
        status = f"still {story.shop.order(story.customer, order_id)['status']} after {_UNDECIDED_SECONDS} s"
    return {"the order is": status}


def _a_reservation_that_comes_after_its_release(story: Story) -> Figures:
    order = {
        "order_id": f"ord_{uuid4().hex}",
        "customer_id": story.customer.user_id,
        "correlation_id": str(uuid4()),
        "lines": [{"sku": _TEA, "quantity": 5, "unit_price": {"amount": 790, "currency": "EUR"}}],
        "total": {"amount": 3950, "currency": "EUR"},
    }

    def step(name: str) -> dict[str, Any]:
        answer = story.stack.client("lambda").invoke(
            FunctionName=story.stack.resource("InventoryStepsFunction"),
            Payload=json.dumps({"step": name, "order": order}),
        )
        return dict(json.loads(answer["Payload"].read()))

    before = story.auditor.stock()[_TEA]["reserved"]
    step("release")
    late = step("reserve")
    return {
        "answer to the late reservation": str(late.get("errorType", "reserved")),
        "pieces kept for an order that is over": str(story.auditor.stock()[_TEA]["reserved"] - before),
    }


def _two_admins_at_once(story: Story) -> Figures:
    sku = _product(story, price=1000)
    path = f"/products/{sku}"
    version = story.shop.request("GET", path).headers["ETag"]

    def put(change: dict[str, Any]) -> int:
        body = _details(price=1000) | change
        headers = {"If-Match": version}
        return story.shop.request(
            "PUT", path, token=story.admin.token, headers=headers, json=body
        ).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(put, [{"name": "A better name"}, {"price": {"amount": 1200, "currency": "EUR"}}])
        )
    product = story.shop.request("GET", path).json()
    kept = (product["name"] == "A better name") + (product["price"]["amount"] == 1200)
    return {
        "answers": " and ".join(map(str, sorted(answers))),
        "changes confirmed by a 200": str(answers.count(200)),
        "changes that are there": str(kept),
    }


def _an_old_price_that_comes_late(story: Story) -> Figures:
    sku = _product(story, price=1000)
    _await_price(story, sku, 1000)
    [old] = next(item for item in story.auditor.table("CatalogTable") if item["pk"] == sku)["outbox"]
    path = f"/products/{sku}"
    headers = {"If-Match": story.shop.request("GET", path).headers["ETag"]}
    changed = story.shop.request(
        "PUT", path, token=story.admin.token, headers=headers, json=_details(price=1200)
    )
    changed.raise_for_status()
    _await_price(story, sku, 1200)
    queue = story.stack.resource("OrdersRecordPricesQueue")
    story.stack.client("sqs").send_message(QueueUrl=queue, MessageBody=old)
    wait_for(lambda: _is_empty(story, queue), "the late event to be consumed", seconds=60)
    order = story.shop.place(story.customer, {sku: 1}).json()
    return {
        "price in the catalogue": _euros(changed.json()["price"]["amount"]),
        "price of the next order": _euros(order["breakdown"]["lines"]["amount"]),
    }


def _a_payment_whose_process_dies(story: Story) -> Figures:
    order_id = story.shop.place(story.customer, {_TEA: 1}).json()["order_id"]
    story.shop.settled(story.customer, order_id, seconds=180)

    def decided() -> str | None:
        status = str(story.auditor.order(order_id).order["status"])
        return status if status in FINAL - {"confirmed"} else None

    return {
        "the order is": wait_for(decided, f"the end of {order_id}", seconds=180),
        "money held or taken": _held(story, [order_id]),
    }


def _a_strangers_report(story: Story) -> Figures:
    order_id = story.shop.place(story.customer, {_TEA: 1}).json()["order_id"]
    story.shop.settled(story.customer, order_id)
    [intent] = _intents(story, [order_id])
    report = {
        "id": f"evt_{uuid4().hex}",
        "type": "payment_intent.canceled",
        "created": int(time.time()) + 60,
        "data": {"object": {**intent, "object": "payment_intent", "status": "canceled"}},
    }
    headers = {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"}
    answer = story.shop.request("POST", "/payments/webhook", headers=headers, json=report)
    observations = story.auditor.table("PaymentsObservationsTable")
    believed = [item for item in observations if item.get("order_id") == order_id and "canceled" in str(item)]
    return {
        "answer to the stranger": str(answer.status_code),
        "recorded as the provider's word": "yes" if believed else "no",
    }


def _details(*, price: int) -> dict[str, Any]:
    return {
        "name": "Tea of the lab",
        "description": "Only for trials.",
        "category": "tea",
        "price": {"amount": price, "currency": "EUR"},
        "active": True,
    }


def _product(story: Story, *, price: int) -> str:
    sku = f"LAB-{uuid4().hex[:8].upper()}"
    body = {"sku": sku} | _details(price=price)
    story.shop.request("POST", "/products", token=story.admin.token, json=body).raise_for_status()
    return sku


def _await_price(story: Story, sku: str, amount: int) -> None:
    def is_known() -> bool:
        prices = {item["pk"]: item for item in story.auditor.table("OrdersPricesTable") if "price" in item}
        return sku in prices and prices[sku]["price"]["amount"] == amount

    wait_for(is_known, f"the price of {sku} in the orders service", seconds=60)


def _is_empty(story: Story, queue: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = story.stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return not any(map(int, found["Attributes"].values()))


_DIES = "__import__('os')._exit(1)"

TRIALS = (
    Trial(
        "idempotency",
        "A customer's app sends one order twice, under one Idempotency-Key.",
        "OrdersApiFunction",
        "orders/domain/order.py",
        "uuid5(_ORDER_ID_NAMESPACE, f'{customer_id}:{idempotency_key}').hex",
        "__import__('uuid').uuid4().hex",
        _one_order_sent_twice,
    ),
    Trial(
        "outbox",
        "The API's process dies after it stored an order. The customer's app sends the request again.",
        "OrdersApiFunction",
        "orders/adapters/order_store.py",
        "        stored = self._table.put_new(order_item(order, events))\n",
        f"""        stored = self._table.put_new(order_item(order, []))
        if stored is None:
            {_DIES}  # and would have published the events next
""",
        _an_api_that_dies_after_its_write,
        accident=f"""        stored = self._table.put_new(order_item(order, events))
        if stored is None:
            {_DIES}
""",
    ),
    Trial(
        "saga",
        "The saga gave an order up and released its stock. Then the reservation arrives after all.",
        "InventoryStepsFunction",
        "inventory/adapters/reservation_store.py",
        "            return self._put_tombstone(Reservation.tombstone(order_id, correlation_id))\n",
        "            return Reservation.tombstone(order_id, correlation_id)\n",
        _a_reservation_that_comes_after_its_release,
    ),
    Trial(
        "optimistic-locking",
        "Two admins change one product at once: its name and its price.",
        "CatalogApiFunction",
        "catalog/adapters/product_store.py",
        "        return self._table.put_if(_item(product, events), replaces=product.version - 1)\n",
        """        __import__('time').sleep(2)
        self._dynamodb.put_item(TableName=self._table.name, Item=to_item(_item(product, events)))
        return True
""",
        _two_admins_at_once,
        accident="""        __import__('time').sleep(2)
        return self._table.put_if(_item(product, events), replaces=product.version - 1)
""",
    ),
    Trial(
        "projections",
        "An event about an old price is delivered once more, after the new price is known.",
        "OrdersRecordPricesFunction",
        "orders/adapters/price_store.py",
        '"attribute_not_exists(pk) OR #version < :version"',
        '"attribute_not_exists(pk) OR #version < :version OR #version >= :version"',
        _an_old_price_that_comes_late,
    ),
    Trial(
        "lost-answers",
        "The process that opened a payment dies as soon as the money is held. The saga gives the order up.",
        "PaymentsStepsFunction",
        "payments/domain/payment_service.py",
        """                reference = self._open(payment, order, token_of(order.order_id))
                payment = self._payments.save(payment.opened(reference, self._now()))
            self._provider.confirm(reference, idempotency_key=f"{order.order_id}:authorize")
""",
        f"""                reference = self._provider.open(
                    payment.amount,
                    payment_method=token_of(order.order_id) or "",
                    metadata={{"order_id": order.order_id, "correlation_id": order.correlation_id}},
                    idempotency_key=f"{{order.order_id}}:open:{{self._now()}}",
                )
                self._provider.confirm(reference, idempotency_key=f"{{reference}}:authorize")
                {_DIES}
                payment = self._payments.save(payment.opened(reference, self._now()))
            self._provider.confirm(reference, idempotency_key=f"{{order.order_id}}:authorize")
""",
        _a_payment_whose_process_dies,
        accident=f"""                reference = self._open(payment, order, token_of(order.order_id))
                payment = self._payments.save(payment.opened(reference, self._now()))
                self._provider.confirm(reference, idempotency_key=f"{{order.order_id}}:authorize")
                {_DIES}
            self._provider.confirm(reference, idempotency_key=f"{{order.order_id}}:authorize")
""",
    ),
    Trial(
        "webhooks",
        "A stranger tells the shop that the provider cancelled a payment.",
        "PaymentsWebhookFunction",
        "payments/functions/webhook.py",
        "    _verify(payload, signature)\n",
        "",
        _a_strangers_report,
    ),
)
