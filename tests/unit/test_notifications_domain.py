"""The notification about each event, and the addresses of users."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from notifications.domain.notifications import (
    OrderCancelled,
    OrderConfirmed,
    OrderFulfilled,
    OrderRejected,
    ReportReady,
    StockLow,
    UnexpectedEvent,
    Verified,
    notification_about,
)
from notifications.domain.recipients import Address
from shared.events import Event
from tests.made_up import made_up_event

ORDER: dict[str, Any] = {
    "order_id": "ord_1",
    "customer_id": "user-1",
    "lines": [{"sku": "TEA", "quantity": 1, "unit_price": {"amount": 749, "currency": "EUR"}}],
    "total": {"amount": 749, "currency": "EUR"},
}
STOCK = {"sku": "TEA-EARL-100", "available": 5, "threshold": 5}

REPORT = {
    "week": "2026-W10",
    "page_url": "https://example.com/report.html",
    "sheet_url": "https://example.com/report.csv",
}


def event(event_type: str, **data: Any) -> Event:
    return made_up_event(
        event_type,
        aggregate_id="user-1",
        aggregate_version=7,
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
        correlation_id="corr-1",
        data=data,
    )


def user_event(**data: Any) -> Event:
    known = {"user_id": "user-1", "email": "ada@example.com", "name": "Ada", "locale": "de-AT"}
    return event("user.changed", **{**known, **data})


@pytest.mark.parametrize(
    ("event_type", "data", "notification"),
    [
        ("user.verified", {"user_id": "user-1"}, Verified(user_id="user-1")),
        ("order.confirmed", ORDER, OrderConfirmed.model_validate(ORDER)),
        (
            "order.rejected",
            {**ORDER, "reason": "out_of_stock"},
            OrderRejected.model_validate({**ORDER, "reason": "out_of_stock"}),
        ),
        ("order.cancelled", {**ORDER, "by": None}, OrderCancelled.model_validate(ORDER)),
        (
            "order.cancelled",
            {**ORDER, "by": "admin"},
            OrderCancelled.model_validate({**ORDER, "by": "admin"}),
        ),
        ("order.fulfilled", ORDER, OrderFulfilled.model_validate(ORDER)),
        (
            "order.fulfilled",
            {**ORDER, "tracking_reference": "PARCEL-1"},
            OrderFulfilled.model_validate({**ORDER, "tracking_reference": "PARCEL-1"}),
        ),
        ("stock.low", STOCK, StockLow.model_validate(STOCK)),
        ("report.ready", REPORT, ReportReady.model_validate(REPORT)),
    ],
)
def test_a_notification_is_made_from_the_event_alone(
    event_type: str, data: dict[str, Any], notification: Any
):
    assert notification_about(event(event_type, **data, something_new="of a later version")) == notification


def test_an_event_without_a_notification_is_refused():
    with pytest.raises(UnexpectedEvent, match=r"order\.placed"):
        notification_about(event("order.placed", **ORDER))


@pytest.mark.parametrize("order_id", ["ord_1\r\nBcc: everybody@example.com", "", "<b>"])
def test_an_order_id_that_could_write_a_header_is_refused(order_id: str):
    with pytest.raises(ValidationError):
        notification_about(event("order.confirmed", **{**ORDER, "order_id": order_id}))


@pytest.mark.parametrize("sku", ["TEA\r\nBcc: everybody@example.com", "tea", "", "T" * 41])
def test_a_sku_that_could_write_a_header_is_refused(sku: str):
    with pytest.raises(ValidationError):
        notification_about(event("stock.low", **{**STOCK, "sku": sku}))


def test_an_address_carries_the_version_of_the_user_it_was_taken_from():
    assert Address.from_event(user_event(email="Ada@Example.com")) == Address(
        user_id="user-1", email="ada@example.com", name="Ada", locale="de-AT", version=7
    )


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"]
)
def test_anything_but_one_address_is_refused_and_the_error_does_not_repeat_it(email: str):
    with pytest.raises(ValidationError) as refused:
        Address.from_event(user_event(email=email))
    assert json.dumps(email)[1:-1] not in str(refused.value) or not email


def test_only_the_suppressed_address_gets_no_more_mail():
    address = Address.from_event(user_event())

    assert not address.is_suppressed
    assert address.model_copy(update={"suppressed_email": "ada@example.com"}).is_suppressed
    assert not address.model_copy(update={"suppressed_email": "old@example.com"}).is_suppressed
