"""The provider's statements on a payment, and whether they fit."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from payments.domain.intent import ProviderStatus
from payments.domain.observation import Observation, Remedy
from payments.domain.payment import Payment, PaymentStatus
from payments.domain.provider_event import ProviderEvent
from payments.domain.return_refund import ReturnRefund
from tests.component.saga_orders import saga_order

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ORDER = saga_order()
P = ProviderStatus
# The states of the provider's that fit ours while both are up to date.
FITTING = {
    PaymentStatus.AUTHORIZING: {P.FAILED, P.HELD},
    PaymentStatus.AUTHORIZED: {P.HELD},
    PaymentStatus.DECLINED: {P.FAILED, P.CANCELED},
    PaymentStatus.CAPTURING: {P.HELD, P.TAKEN},
    PaymentStatus.CAPTURED: {P.TAKEN},
    PaymentStatus.CAPTURE_FAILED: {P.FAILED, P.HELD, P.CANCELED},
    PaymentStatus.VOIDING: {P.FAILED, P.HELD, P.TAKEN, P.CANCELED},
    PaymentStatus.VOIDED: {P.CANCELED},
    PaymentStatus.REFUNDING: {P.TAKEN, P.PARTIALLY_REFUNDED, P.REFUNDED},
    PaymentStatus.REFUNDED: {P.REFUNDED},
}


def payment(status: PaymentStatus, reference: str | None = "pi_1") -> Payment:
    return Payment.begun(ORDER, NOW).model_copy(update={"status": status, "provider_reference": reference})


def said(status: ProviderStatus, at: int = SECONDS + 1) -> Observation:
    return Observation(
        reference="pi_1", order_id="order-1", provider_status=status, observed_at=at, event_id="evt_1"
    )


def event(event_type: str, **shown: Any) -> ProviderEvent:
    return ProviderEvent.model_validate(
        {"id": "evt_1", "type": event_type, "created": SECONDS, "data": {"object": shown}}
    )


@pytest.mark.parametrize("theirs", list(ProviderStatus))
@pytest.mark.parametrize("ours", list(PaymentStatus))
def test_every_pair_of_states_fits_or_differs(ours: PaymentStatus, theirs: ProviderStatus) -> None:
    compared = said(theirs).compared(payment(ours))
    assert compared.differs_from == (None if theirs in FITTING[ours] else ours.value)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (PaymentStatus.CAPTURED, P.HELD),
        (PaymentStatus.VOIDED, P.HELD),
        (PaymentStatus.REFUNDED, P.TAKEN),
    ],
)
def test_an_event_from_before_our_last_change_may_show_an_earlier_status(
    ours: PaymentStatus, theirs: ProviderStatus
) -> None:
    assert said(theirs, at=SECONDS).fits(payment(ours))
    assert not said(theirs, at=SECONDS + 1).fits(payment(ours))


def test_an_old_event_does_not_excuse_what_never_was() -> None:
    assert not said(P.CANCELED, at=SECONDS - 60).fits(payment(PaymentStatus.CAPTURED))
    assert not said(P.TAKEN, at=SECONDS - 60).fits(payment(PaymentStatus.VOIDED))


@pytest.mark.parametrize(
    ("asked", "gave_back", "status", "fits"),
    [
        ([700], 700, P.PARTIALLY_REFUNDED, True),
        ([700], 701, P.PARTIALLY_REFUNDED, False),
        ([], 700, P.PARTIALLY_REFUNDED, False),
        # Between two refunds, in any order of the reports.
        ([700, 900], 700, P.PARTIALLY_REFUNDED, True),
        ([700, 900], 1600, P.PARTIALLY_REFUNDED, True),
        # All of the money, for returns: the order stands.
        ([700, 1300], 2000, P.REFUNDED, True),
        ([700], 2000, P.REFUNDED, False),
        ([700, 1300], 0, P.CANCELED, False),
    ],
)
def test_money_that_went_back_for_returns_fits_up_to_what_was_asked_for(
    asked: list[int], gave_back: int, status: ProviderStatus, fits: bool
) -> None:
    refunds = {f"ret_{number}": ReturnRefund(amount=amount) for number, amount in enumerate(asked)}
    captured = payment(PaymentStatus.CAPTURED).model_copy(update={"return_refunds": refunds})
    seen = said(status).model_copy(update={"amount_refunded": gave_back})

    assert seen.fits(captured) is fits
    assert seen.remedy(captured) is (Remedy.NONE if fits else Remedy.OPERATOR)


def test_a_payment_that_is_over_gives_back_what_returns_left_of_it() -> None:
    refunds = {"ret_1": ReturnRefund(amount=700, is_made=True)}
    over = payment(PaymentStatus.REFUNDED).model_copy(update={"return_refunds": refunds})
    seen = said(P.PARTIALLY_REFUNDED).model_copy(update={"amount_refunded": 700})

    assert seen.remedy(over) is Remedy.REFUND


@pytest.mark.parametrize(
    "known",
    [None, payment(PaymentStatus.VOIDED, None), payment(PaymentStatus.AUTHORIZED, "pi_2")],
    ids=["no payment", "no intent", "another intent"],
)
def test_money_that_no_payment_of_ours_knows_of_differs(known: Payment | None) -> None:
    for theirs in (P.HELD, P.TAKEN, P.PARTIALLY_REFUNDED):
        assert said(theirs).compared(known).differs_from == (known.status.value if known else "none")
    for theirs in (P.FAILED, P.REFUNDED, P.CANCELED):
        assert said(theirs).compared(known).differs_from is None


@pytest.mark.parametrize(
    ("event_type", "status"),
    [
        ("payment_intent.payment_failed", P.FAILED),
        ("payment_intent.amount_capturable_updated", P.HELD),
        ("payment_intent.succeeded", P.TAKEN),
        ("payment_intent.canceled", P.CANCELED),
    ],
)
def test_an_intents_event_carries_its_status(event_type: str, status: ProviderStatus) -> None:
    seen = Observation.in_event(event(event_type, id="pi_1", metadata={"order_id": "order-1"}))
    assert seen is not None
    assert (seen.reference, seen.order_id, seen.provider_status) == ("pi_1", "order-1", status)
    assert (seen.event_id, seen.observed_at) == ("evt_1", SECONDS)


@pytest.mark.parametrize(
    ("captured", "refunded", "status"),
    [(True, True, P.REFUNDED), (True, False, P.PARTIALLY_REFUNDED), (False, True, P.CANCELED)],
)
def test_a_refund_of_what_was_never_captured_is_the_release_of_a_hold(
    captured: bool, refunded: bool, status: ProviderStatus
) -> None:
    shown = {
        "id": "ch_1",
        "payment_intent": "pi_1",
        "captured": captured,
        "refunded": refunded,
        "amount_refunded": 700,
    }
    seen = Observation.in_event(event("charge.refunded", **shown, metadata={"order_id": "order-1"}))
    assert seen is not None
    assert (seen.reference, seen.provider_status, seen.amount_refunded) == ("pi_1", status, 700)


def test_a_hold_that_expired_differs_from_an_authorized_payment() -> None:
    """As Stripe shows the charge: https://docs.stripe.com/api/charges/object"""
    shown = {
        "id": "ch_1",
        "payment_intent": "pi_1",
        "captured": False,
        "refunded": False,
        "status": "succeeded",
    }
    seen = Observation.in_event(event("charge.expired", **shown, metadata={"order_id": "order-1"}))
    assert seen is not None
    assert seen.compared(payment(PaymentStatus.AUTHORIZED)).differs_from == "authorized"


@pytest.mark.parametrize(
    "other",
    [
        event("customer.created", id="cus_1"),
        event("payment_intent.succeeded", id="pi_1"),
        event("payment_intent.succeeded", id="pi_1", metadata={"order_id": ""}),
        event("payment_intent.succeeded", id="pi_1", metadata={"order_id": "x" * 256}),
        event("charge.refunded", captured=True, refunded=True, metadata={"order_id": "order-1"}),
    ],
    ids=["another type", "no metadata", "empty order id", "no order id of ours", "a charge without intent"],
)
def test_what_says_nothing_of_an_order_is_ignored(other: ProviderEvent) -> None:
    assert Observation.in_event(other) is None


def test_an_event_that_should_say_something_and_does_not_is_unreadable() -> None:
    with pytest.raises(ValidationError):
        Observation.in_event(event("payment_intent.succeeded", metadata={"order_id": "order-1"}))


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(ProviderStatus))), min_size=1, unique=True))
def test_the_latest_word_does_not_depend_on_the_order_of_arrival(
    received: list[tuple[int, ProviderStatus]],
) -> None:
    def latest(order: list[tuple[int, ProviderStatus]]) -> Observation:
        last = said(order[0][1], order[0][0])
        for at, status in order[1:]:
            one = said(status, at)
            last = one if one.later_than(last) else last
        return last

    assert latest(received) == latest(list(reversed(received))) == latest(sorted(received))
