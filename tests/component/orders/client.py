"""A client of the orders API in a pretended account, and changes of an order by others."""

from collections.abc import Callable
from typing import Any

from orders.domain.order import Order
from orders.domain.status import RejectionReason
from shared.clock import utc_now
from tests.component.rest_events import claims_of, header, json_body, rest_event

PROBLEMS = "https://cartwright.example/problems/"


class Client:
    """A customer's client of the API."""

    def __init__(self, context: Any, user_id: str, groups: str = "customer") -> None:
        self._context = context
        self._groups = groups
        self.user_id = user_id

    def place(self, body: Any, key: str | None = "key-1", **headers: str) -> dict[str, Any]:
        sent = {**headers, **({"Idempotency-Key": key} if key is not None else {})}
        return self.call("POST", "/orders", body=body, headers=sent)

    def read(self, order_id: str) -> dict[str, Any]:
        return self.call("GET", f"/orders/{order_id}")

    def list(self, **query: str) -> dict[str, Any]:
        return self.call("GET", "/orders", query=query or None)

    def cancel(self, order_id: str) -> dict[str, Any]:
        return self.call("POST", f"/orders/{order_id}/cancel")

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        from orders.functions.api import handler

        event = rest_event(method, path, claims=claims_of(self.user_id, groups=self._groups), **request)
        answer = handler(event, self._context)
        assert header(answer, "X-Correlation-Id"), "every answer bears its correlation id"
        return answer


def change(order_id: str, *changes: Callable[[Order], tuple[Order, Any]]) -> None:
    """Changes the order as the saga or an operator does."""
    from orders.dependencies import order_store

    for each in changes:
        order_store().change(order_id, each)


def confirm(order: Order) -> tuple[Order, Any]:
    return order.confirm(utc_now())


def abandon(order: Order) -> tuple[Order, Any]:
    return order.abandon(RejectionReason.OUT_OF_STOCK, utc_now())


def undo(order: Order) -> tuple[Order, Any]:
    """Its saga failed, unless it was to be cancelled, and everything of it is undone."""
    return abandon(order)[0].cancel(utc_now())


def park(order: Order) -> tuple[Order, Any]:
    """Its saga failed, unless it was to be cancelled, and it cannot be undone."""
    return abandon(order)[0].park("{}", utc_now())


def erase(order: Order) -> tuple[Order, Any]:
    return order.erase(utc_now())


def refused(answer: dict[str, Any], status: int, code: str) -> dict[str, Any]:
    """The problem that `answer` is; fails unless it is that one."""
    problem: dict[str, Any] = json_body(answer)
    assert (answer["statusCode"], problem["type"]) == (status, PROBLEMS + code), problem
    assert header(answer, "Content-Type") == "application/problem+json"
    assert problem["status"] == status
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]
