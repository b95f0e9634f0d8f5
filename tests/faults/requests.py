"""What people ask of the shop: a customer orders, cancels, returns and leaves, an operator decides and resumes."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.component.rest_events import claims_of
from tests.faults.world import Work
from tests.made_up import made_up_event

WEBHOOK_SECRET = "whsec_faults"
_CLOSED_AT = datetime(2026, 3, 1, tzinfo=UTC)


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


@dataclass(frozen=True)
class Return:
    """Pieces that the first customer sends back, by sku, and what an operator finds; its methods take the order's id.

    `written_off` are those that cannot be sold again; the others can.
    """

    key: str
    pieces: dict[str, int]
    written_off: dict[str, int] = field(default_factory=dict)

    def request(self, order_id: str) -> Work:
        """The customer's request."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in self.pieces.items()]
        body = {"lines": lines, "reason": "changed_mind"}
        claims = claims_of("ada")
        return _request(f"ada returns {self.key}", claims, f"/orders/{order_id}/returns", body, self.key)

    def withdrawal(self, order_id: str) -> Work:
        """The customer keeps the pieces after all."""
        return self._change(order_id, "withdraw", claims_of("ada"))

    def acceptance(self, order_id: str) -> Work:
        """An operator accepts it."""
        return self._change(order_id, "accept", claims_of("olga", groups="admin"))

    def refusal(self, order_id: str) -> Work:
        """An operator refuses it."""
        return self._change(order_id, "refuse", claims_of("olga", groups="admin"), {"reason": "excluded"})

    def inspection(self, order_id: str) -> Work:
        """An operator inspects the pieces, all of which arrived."""
        found = [
            {"sku": sku, "restocked": quantity - gone, "written_off": gone}
            for sku, quantity in self.pieces.items()
            for gone in (self.written_off.get(sku, 0),)
        ]
        return self._change(order_id, "inspect", claims_of("olga", groups="admin"), {"lines": found})

    def _change(self, order_id: str, change: str, claims: dict[str, str], body: Any = None) -> Work:
        from returns.domain.order_returns import return_id_for

        path = f"/orders/{order_id}/returns/{return_id_for(order_id, self.key)}/{change}"
        return _request(f"{claims['sub']}: {change} {self.key}", claims, path, body, f"{change}-{self.key}")


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
        "function": "ReturnsApiFunction" if "/returns" in path else "OrdersApiFunction",
        "name": name,
        "method": "POST",
        "path": path,
        "body": body,
        "headers": {"Idempotency-Key": key, "X-Correlation-Id": f"request-01-customer-{claims['sub']}"},
        "claims": claims,
    }
    return Work("request", about)
