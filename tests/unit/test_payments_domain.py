"""The rules of a payment."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from payments.domain.payment import IllegalTransition, Payment, PaymentStatus
from payments.domain.return_refund import ReturnRefund
from shared.money import Money
from tests.component.saga_orders import saga_order

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORDER = saga_order()


def test_an_authorization_publishes_the_order_and_the_amount() -> None:
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


def test_a_decline_keeps_its_reason_and_publishes_it() -> None:
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


# The statuses that allow each change; any other refuses it.
S = PaymentStatus
ALLOWED: dict[str, set[PaymentStatus]] = {
    "opened": {S.AUTHORIZING},
    "authorize": {S.AUTHORIZING},
    "decline": {S.AUTHORIZING},
    "begin_capture": {S.AUTHORIZED, S.CAPTURE_FAILED},
    "capture": {S.CAPTURING},
    "fail_capture": {S.CAPTURING},
    "begin_void": {S.AUTHORIZING, S.AUTHORIZED, S.CAPTURING, S.CAPTURE_FAILED},
    "void": {S.VOIDING},
    "begin_refund": {S.CAPTURED, S.VOIDING},
    "refund": {S.REFUNDING},
    "begin_return_refund": {S.CAPTURED},
    "return_refunded": {S.CAPTURED},
}
RETURNED = Money(amount=300, currency=ORDER.total.currency)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "begin_return_refund": ("ret_1", RETURNED),
    "return_refunded": ("ret_2",),
    "opened": ("pi_2",),
    "decline": ("generic_decline",),
    "fail_capture": ("the hold is gone",),
}
EVENTS = {
    "authorize": "payment.authorized",
    "decline": "payment.declined",
    "capture": "payment.captured",
    "fail_capture": "payment.capture_failed",
    "void": "payment.voided",
    "refund": "payment.refunded",
    "return_refunded": "payment.return_refunded",
}


def refunding(payment: Payment) -> Payment:
    """The payment, and the provider was asked for the refund of a return."""
    return payment.model_copy(update={"return_refunds": {"ret_2": ReturnRefund(amount=200)}})


@pytest.mark.parametrize("change", list(ALLOWED))
@pytest.mark.parametrize("status", list(PaymentStatus))
def test_a_change_is_made_from_the_statuses_that_allow_it_and_no_other(
    status: PaymentStatus, change: str
) -> None:
    begun = Payment.begun(ORDER, NOW).model_copy(update={"status": status, "provider_reference": "pi_1"})
    payment = refunding(begun)
    arguments = (*ARGUMENTS.get(change, ()), NOW)
    if status not in ALLOWED[change]:
        with pytest.raises(IllegalTransition):
            getattr(payment, change)(*arguments)
        return
    made = getattr(payment, change)(*arguments)
    changed, events = made if change in EVENTS else (made, [])
    assert changed.version == payment.version + 1
    assert [event.event_type for event in events] == ([EVENTS[change]] if change in EVENTS else [])
    assert all(event.aggregate_version == changed.version for event in events)


def test_a_payment_without_an_intent_has_no_reference() -> None:
    with pytest.raises(IllegalTransition):
        _ = Payment.begun(ORDER, NOW).reference


class PaymentLife(RuleBasedStateMachine):
    """Any changes in any order: a refused one changes nothing, and money only ever goes one way."""

    def __init__(self) -> None:
        super().__init__()
        self.payment = refunding(Payment.begun(ORDER, NOW))
        self.published: list[str] = []

    @rule(change=st.sampled_from(sorted(ALLOWED)))
    def try_to(self, change: str) -> None:
        before = self.payment
        try:
            made = getattr(before, change)(*ARGUMENTS.get(change, ()), NOW)
        except IllegalTransition:
            return
        self.payment, events = made if change in EVENTS else (made, [])
        self.published += [event.event_type for event in events]
        assert not before.status.given_up or self.payment.status.given_up

    @invariant()
    def each_event_is_published_once_and_one_of_them_ends_it(self) -> None:
        again = {"payment.capture_failed", "payment.return_refunded"}
        once = [event_type for event_type in self.published if event_type not in again]
        assert len(once) == len(set(once))
        assert len({"payment.declined", "payment.voided", "payment.refunded"} & set(self.published)) <= 1

    @invariant()
    def nothing_is_taken_that_was_not_held(self) -> None:
        assert "payment.captured" not in self.published or "payment.authorized" in self.published


TestPaymentLife = PaymentLife.TestCase
TestPaymentLife.settings = settings(max_examples=100, stateful_step_count=12, deadline=None)
