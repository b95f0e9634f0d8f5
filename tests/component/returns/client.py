"""A client of the returns API in a pretended account, the events that the service reads, and its table."""

from typing import Any

import boto3

from shared.clock import timestamp, utc_now
from shared.dynamo import from_item
from shared.events import Event
from tests.component.rest_events import claims_of, header, json_body, rest_event

ORDER = "ord_00000000000000000000000000000001"
PROBLEMS = "https://cartwright.example/problems/"
DONE: dict[str, list[Any]] = {"batchItemFailures": []}


class Client:
    """A customer's or an admin's client of the API."""

    def __init__(self, context: Any, user_id: str, groups: str = "customer") -> None:
        self._context = context
        self._groups = groups
        self.user_id = user_id

    def request(
        self, *, key: str = "key-1", order: str = ORDER, reason: str = "damaged", **pieces: int
    ) -> dict[str, Any]:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in pieces.items()]
        return self.call(
            "POST",
            f"/orders/{order}/returns",
            body={"lines": lines, "reason": reason},
            headers={"Idempotency-Key": key},
        )

    def requested(self, **arguments: Any) -> str:
        """Requests a return, and gives its id."""
        answer = self.request(**arguments)
        assert answer["statusCode"] == 201, answer
        return_id: str = json_body(answer)["return_id"]
        return return_id

    def returns(self, order: str = ORDER) -> dict[str, Any]:
        return self.call("GET", f"/orders/{order}/returns")

    def do(self, what: str, return_id: str, body: Any = None, order: str = ORDER) -> dict[str, Any]:
        return self.call("POST", f"/orders/{order}/returns/{return_id}/{what}", body=body)

    def waiting(self, **query: str) -> dict[str, Any]:
        return self.call("GET", "/returns/waiting", query=query or None)

    def list(self, **query: str) -> dict[str, Any]:
        return self.call("GET", "/returns", query=query or None)

    def call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        from returns.functions.api import handler

        event = rest_event(method, path, claims=claims_of(self.user_id, groups=self._groups), **request)
        answer = handler(event, self._context)
        assert header(answer, "X-Correlation-Id"), "every answer bears its correlation id"
        return answer


def refused(answer: dict[str, Any], status: int, code: str) -> dict[str, Any]:
    """The problem that `answer` is; fails unless it is that one."""
    problem: dict[str, Any] = json_body(answer)
    assert (answer["statusCode"], problem["type"]) == (status, PROBLEMS + code), problem
    return problem


def order_fulfilled(order: str = ORDER, customer: str = "ada", at: str | None = None) -> Event:
    """The event of an order of two teas at 7.90 EUR and a mug at 12.50 EUR, with 4.90 EUR of shipping."""
    lines = [
        {"sku": sku, "quantity": quantity, "unit_price": _eur(amount)}
        for sku, quantity, amount in (("TEA", 2, 790), ("MUG", 1, 1250))
    ]
    return _event(
        "order.fulfilled",
        order,
        3,
        at,
        order_id=order,
        customer_id=customer,
        status="fulfilled",
        lines=lines,
        breakdown={"shipping": _eur(490)},
    )


def return_booked(return_id: str, order: str = ORDER) -> Event:
    return _event(
        "shipment.return_booked",
        "shp_1",
        1,
        order_id=order,
        return_id=return_id,
        shipment_id="shp_1",
        tracking_reference="CW8K87J2WHJWVB",
    )


def return_refunded(return_id: str, amount: int, order: str = ORDER) -> Event:
    """Made by hand: payments publishes it."""
    return _event(
        "payment.return_refunded",
        "pay_1",
        7,
        order_id=order,
        payment_id="pay_1",
        return_id=return_id,
        amount=_eur(amount),
        refunded=_eur(amount),
    )


def user_deleted(user_id: str = "ada") -> Event:
    return _event("user.deleted", user_id, 4, user_id=user_id)


def items(table: Any) -> dict[str, dict[str, Any]]:
    """All items of the returns table, by their keys."""
    return {item["pk"]["S"]: from_item(item) for item in table.scan(TableName="ReturnsTable")["Items"]}


def dead_letters() -> list[str]:
    """The reasons of the dead letters."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName="dead-letters")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return [message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])]


def _eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def _event(event_type: str, aggregate: str, version: int, at: str | None = None, **data: Any) -> Event:
    return Event(
        event_id=f"{aggregate}:{version}:{event_type}",
        event_type=event_type,
        occurred_at=at or timestamp(utc_now()),
        aggregate_id=aggregate,
        aggregate_version=version,
        correlation_id="2f0c1b6e-3f0d-4d2c-9f5a-8b1f6f0a7c33",
        data=data,
    )
