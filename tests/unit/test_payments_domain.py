"""The rules of a payment."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import IllegalTransition, Payment, PaymentStatus
from shared.saga import SagaOrder

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORDER = SagaOrder.model_validate(
    {
        "order_id": "order-1",
        "customer_id": "customer-1",
        "correlation_id": "correlation-1",
        "lines": [{"sku": "MUG", "quantity": 2, "unit_price": {"amount": 1000, "currency": "EUR"}}],
        "total": {"amount": 2000, "currency": "EUR"},
        "shipping_address": {
            "name": "Ada Example",
            "line1": "Beispielweg 1",
            "city": "Berlin",
            "postal_code": "10115",
            "country": "DE",
        },
        "payment_token": "pm_card_visa",
    }
)


def test_an_authorization_tells_the_order_and_the_amount() -> None:
    authorized, [event] = Payment.begun(ORDER, NOW).opened("pi_1", NOW).authorize(NOW)
    assert authorized.status is PaymentStatus.AUTHORIZED
    assert event.event_type == "payment.authorized"
    assert event.correlation_id == "correlation-1"
    assert event.aggregate_version == authorized.version == 3
    assert event.data == {
        "order_id": "order-1",
        "payment_id": "pay-order-1",
        "amount": {"amount": 2000, "currency": "EUR"},
    }


def test_a_decline_keeps_its_reason_and_tells_it() -> None:
    declined, [event] = Payment.begun(ORDER, NOW).opened("pi_1", NOW).decline("generic_decline", NOW)
    assert declined.reason == event.data["reason"] == "generic_decline"
    assert not declined.may_hold_money


def test_a_payment_that_may_hold_money_is_voided_only_after_it_was_marked() -> None:
    authorized, _ = Payment.begun(ORDER, NOW).opened("pi_1", NOW).authorize(NOW)
    with pytest.raises(IllegalTransition):
        authorized.void(NOW)
    voided, [event] = authorized.begin_void(NOW).void(NOW)
    assert voided.status is PaymentStatus.VOIDED
    assert event.event_type == "payment.voided"


def test_a_payment_whose_intent_was_never_opened_is_voided_straight_away() -> None:
    voided, _ = Payment.begun(ORDER, NOW).void(NOW)
    assert voided.status is PaymentStatus.VOIDED


@given(st.sampled_from([PaymentStatus.VOIDING, PaymentStatus.VOIDED, PaymentStatus.DECLINED]))
def test_nothing_is_authorized_once_it_was_given_up_or_declined(status: PaymentStatus) -> None:
    payment = Payment.begun(ORDER, NOW).model_copy(update={"status": status, "provider_reference": "pi_1"})
    with pytest.raises(IllegalTransition):
        payment.authorize(NOW)
    with pytest.raises(IllegalTransition):
        payment.opened("pi_2", NOW)
