"""What people ask of the shop: a customer orders, cancels and leaves, an operator resumes."""

from datetime import UTC, datetime
from typing import Any

from tests.component.rest_events import claims_of
from tests.faults.world import Work
from tests.made_up import made_up_event

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
