"""What people ask of the shop: a customer orders, cancels and leaves, an operator resumes."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from shared.events import Event
from tests.component.rest_events import claims_of
from tests.faults.world import Work
from tests.made_up import made_up_event

WEBHOOK_SECRET = "whsec_faults"
_CLOSED_AT = datetime(2026, 3, 1, tzinfo=UTC)
_INSPECTED_AT = datetime(2026, 3, 9, tzinfo=UTC)


def placement(customer: str, body: dict[str, Any]) -> Work:
    """A customer's order."""
    return _request(f"{customer} orders", claims_of(customer), "/orders", body, key_of(customer))


def cancellation(customer: str, order_id: str) -> Work:
    """A customer's cancellation of an order."""
    return _request(
        f"{customer} cancels", claims_of(customer), f"/orders/{order_id}/cancel", None, key_of(customer)
    )


def resumption(order_id: str) -> Work:
    """An operator's resumption of a parked order."""
    claims = claims_of("olga", groups="admin")
    return _request(
        f"olga resumes {order_id}", claims, f"/orders/{order_id}/resume", None, f"resume-{order_id}"
    )


def erasure(customer: str, function: str) -> Work:
    """The news for `function` that a customer closed the account."""
    deleted = made_up_event(
        "user.deleted",
        aggregate_id=customer,
        aggregate_version=2,
        occurred_at=_CLOSED_AT,
        correlation_id=f"{customer}-leaves",
        data={"user_id": customer},
    )
    about = {"function": function, "message_id": deleted.event_id, "body": deleted.model_dump_json()}
    return Work("message", about)


def inspection(order_id: str, version: int, **data: Any) -> Event:
    """A return of the order was inspected. It stands in for the returns service, until that runs here."""
    return made_up_event(
        "return.inspected",
        aggregate_id=f"returns-{order_id}",
        aggregate_version=version,
        occurred_at=_INSPECTED_AT,
        correlation_id="olga inspects",
        data={"order_id": order_id, "customer_id": "ada", "status": "inspected", **data},
    )


def failed_refund(refund: dict[str, Any], intent: str, now: int) -> Work:
    """The provider's report that a refund failed after all, signed at `now`, in Unix seconds."""
    shown = {**refund, "payment_intent": intent}
    event = {"id": f"evt_{refund['id']}", "type": "refund.failed", "created": now, "data": {"object": shown}}
    body = json.dumps(event, sort_keys=True)
    digest = hmac.new(WEBHOOK_SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    about = {
        "function": "PaymentsWebhookFunction",
        "name": f"the provider reports on {refund['id']}",
        "method": "POST",
        "path": "/payments/webhook",
        "body": body,
        "headers": {"Content-Type": "application/json", "Stripe-Signature": f"t={now},v1={digest}"},
        "claims": None,
    }
    return Work("request", about)


def key_of(customer: str) -> str:
    """The idempotency key of a customer's only order."""
    return f"{customer}-first-order"


def _request(name: str, claims: dict[str, str], path: str, body: Any, key: str) -> Work:
    about = {
        "function": "OrdersApiFunction",
        "name": name,
        "method": "POST",
        "path": path,
        "body": body,
        "headers": {"Idempotency-Key": key, "X-Correlation-Id": f"request-01-customer-{claims['sub']}"},
        "claims": claims,
    }
    return Work("request", about)
