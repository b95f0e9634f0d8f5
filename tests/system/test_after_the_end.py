"""What happens to an order after its end, or after its customer's: refunds that fail later, and accounts that close."""

import hashlib
import hmac
import json
import time
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import requests

from tests.system.products import TEA
from tests.system.trouble import coming_often, configured, packing_takes
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for


def reported(stack: Stack, shop: Shop, event_type: str, **shown: Any) -> requests.Response:
    """The answer to an event that the payment provider signs and sends."""
    secret = json.loads(
        stack.client("secretsmanager").get_secret_value(SecretId=stack.resource("PaymentWebhookSecret"))[
            "SecretString"
        ]
    )["current"]
    now = int(time.time())
    body = json.dumps(
        {"id": f"evt_{uuid4().hex}", "type": event_type, "created": now, "data": {"object": shown}}
    )
    signature = hmac.new(secret.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    return shop.request(
        "POST",
        "/payments/webhook",
        data=body,
        headers={"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={signature}"},
    )


def test_a_refund_that_fails_after_a_cancellation_is_shown_listed_and_settled(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    admin = shop.admin()
    with packing_takes(stack, 120):
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        wait_for(lambda: auditor.order(order_id).captured() > 0, "the capture", seconds=60)
        shop.request("POST", f"/orders/{order_id}/cancel", token=customer.token).raise_for_status()
        shop.become(customer, order_id, "cancelled")
    payment = auditor.order(order_id).payment
    assert payment and payment["status"] == "refunded"
    refund = {
        "id": f"re_{uuid4().hex}",
        "object": "refund",
        "amount": payment["amount"]["amount"],
        "payment_intent": payment["provider_reference"],
        "metadata": {},
        "failure_reason": "expired_or_canceled_card",
        "status": "failed",
    }
    # The provider's earlier events, by which the intent's order is known.
    intent = {"id": payment["provider_reference"], "metadata": {"order_id": order_id}}
    assert reported(stack, shop, "payment_intent.succeeded", **intent).status_code == 200

    assert reported(stack, shop, "refund.failed", **refund).status_code == 200

    shown = wait_for(
        lambda: next(iter(shop.order(customer, order_id)["payment_issues"]), None), "the issue", seconds=60
    )
    assert shown == "refund_failed"
    assert order_id in unsettled(shop, admin)
    answer = shop.request("POST", f"/orders/{order_id}/resume", token=admin.token)
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    assert order_id not in unsettled(shop, admin)


def unsettled(shop: Shop, admin: Customer) -> list[str]:
    answer = shop.request("GET", "/orders/attention?limit=100", token=admin.token)
    answer.raise_for_status()
    return [entry["order_id"] for entry in answer.json()["unsettled"]]


def test_an_order_around_the_end_of_its_account_is_refused_or_undone(
    stack: Stack, shop: Shop, auditor: Auditor
) -> None:
    leavers = [shop.sign_up(f"Leaver {number}") for number in range(3)]
    with ExitStack() as settings:
        settings.enter_context(packing_takes(stack, 120))
        settings.enter_context(configured(stack, "OrdersReconcileFunction", OVERDUE_AFTER_SECONDS="30"))
        settings.enter_context(coming_often(stack, "OrdersReconcileFunctionSchedule"))
        placed = []
        for leaver in leavers:
            placed.append(shop.place(leaver, {TEA: 1}))
            assert shop.request("DELETE", "/users/me", token=leaver.token).status_code == 204
            placed.append(shop.place(leaver, {TEA: 1}))
        assert {answer.status_code for answer in placed} <= {201, 403}
        ids = {answer.json()["order_id"] for answer in placed if answer.status_code == 201}

        def all_undone() -> bool:
            found = {order_id: auditor.order(order_id).order for order_id in ids}
            return all(
                order["status"] in {"cancelled", "rejected"} and "erased_at" in order
                for order in found.values()
            )

        wait_for(all_undone, "the end of the orders", seconds=240)
    assert [wrong for wrong in auditor.audit().violations if any(order_id in wrong for order_id in ids)] == []
