"""An admin reads what happened to an order in all services."""

from importlib import import_module, reload
from typing import Any

import pytest

from archive.domain import aggregates_of_order
from shared.events import Event
from shipping.domain.shipment import shipment_id_of
from tests.component.archive.account import Service
from tests.component.rest_events import claims_of, json_body, rest_event

ORDER = "ord_118ebd08bdee58bf9a4d0d7d1e76a930"


def event(aggregate: str, version: int, event_type: str, second: int, **data: Any) -> Event:
    return Event(
        event_id=f"{aggregate}:{version}:{event_type}",
        event_type=event_type,
        event_version=1,
        occurred_at=f"2026-03-02T09:30:{second:02}.125Z",
        aggregate_id=aggregate,
        aggregate_version=version,
        correlation_id="2f0c1b6e-3f0d-4d2c-9f5a-8b1f6f0a7c33",
        causation_id="the-request",
        data=data,
    )


@pytest.fixture
def read(service: Service, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ADMIN_CLIENT_ID", "AdminUserPoolClient")
    api = reload(import_module("archive.functions.api"))

    def answer(order_id: str = ORDER, groups: str = "admin") -> Any:
        request = rest_event("GET", f"/orders/{order_id}/events", claims=claims_of("root", groups=groups))
        return api.handler(request, lambda_context)

    return answer


def test_the_events_of_all_services_come_in_the_order_of_time(service: Service, read: Any) -> None:
    order, reservation, payment, shipment, returns = aggregates_of_order(ORDER)
    service.deliver(
        event(returns, 1, "return.requested", 9),
        event(shipment, 1, "shipment.created", 3),
        event(payment, 1, "payment.authorized", 2, amount={"amount": 890, "currency": "EUR"}),
        event(order, 2, "order.confirmed", 4, customer_id="usr_1", status="confirmed"),
        event(reservation, 1, "stock.reserved", 1),
        event(order, 1, "order.placed", 0),
        event("ord_" + "0" * 32, 1, "order.placed", 5),
    )

    events = json_body(read())["events"]

    assert [entry["event_type"] for entry in events] == [
        "order.placed",
        "stock.reserved",
        "payment.authorized",
        "shipment.created",
        "order.confirmed",
        "return.requested",
    ]
    assert events[2] == {
        "event_id": f"pay-{ORDER}:1:payment.authorized",
        "event_type": "payment.authorized",
        "event_version": 1,
        "occurred_at": "2026-03-02T09:30:02.125Z",
        "aggregate_id": f"pay-{ORDER}",
        "data": {"amount": {"amount": 890, "currency": "EUR"}},
        "caused_by": "the-request",
    }
    assert events[4]["data"] == {"status": "confirmed"}


def test_an_order_that_the_archive_does_not_know_has_no_events(read: Any) -> None:
    assert json_body(read()) == {"order_id": ORDER, "events": []}


def test_a_customer_does_not_read_them(read: Any) -> None:
    assert read(groups="customer")["statusCode"] == 403


def test_the_id_of_the_shipment_is_the_one_that_shipping_makes() -> None:
    assert shipment_id_of(ORDER) in aggregates_of_order(ORDER)
