"""The sandbox provider's rules: what each test payment method does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments_sandbox.domain.errors import ApiError
from payments_sandbox.domain.intent import (
    Intent,
    IntentStatus,
    PaymentMethod,
    cancel,
    capture,
    confirm,
    fingerprint_of,
    open_intent,
    refund,
)

FORM = {
    "amount": "2000",
    "currency": "EUR",
    "payment_method": "pm_card_visa",
    "capture_method": "manual",
    "metadata[order_id]": "order-1",
}


def opened(method: str = "pm_card_visa") -> Intent:
    return open_intent({**FORM, "payment_method": method}, "pi_1", 1_772_443_800).intent


def test_an_opened_intent_holds_nothing() -> None:
    shown = opened().as_json()
    assert shown["status"] == "requires_confirmation"
    assert shown["amount_capturable"] == 0
    assert shown["metadata"] == {"order_id": "order-1"}


def test_a_good_card_is_held_for_the_whole_amount() -> None:
    outcome = confirm(opened())
    assert outcome.answer.status == 200
    assert outcome.answer.body["amount_capturable"] == 2000
    assert not outcome.answer.late


@pytest.mark.parametrize("method", ["pm_card_chargeDeclined", "pm_card_chargeCustomerFail"])
def test_a_declined_card_holds_nothing_and_says_so_as_stripe_does(method: str) -> None:
    outcome = confirm(opened(method))
    assert outcome.answer.status == 402
    assert outcome.answer.body["error"]["type"] == "card_error"
    assert outcome.answer.body["error"]["code"] == "card_declined"
    assert outcome.intent.status is IntentStatus.REQUIRES_PAYMENT_METHOD


def test_a_lost_answer_comes_late_and_the_money_is_held() -> None:
    outcome = confirm(opened("pm_sandbox_timeout"))
    assert outcome.answer.late
    assert outcome.intent.status is IntentStatus.REQUIRES_CAPTURE


def test_who_asks_for_money_held_by_a_timeout_waits_too_and_for_a_lost_answer_does_not() -> None:
    never_answered = confirm(opened("pm_sandbox_timeout")).intent
    assert never_answered.answers_late
    assert not cancel(never_answered, 0).intent.answers_late
    lost = confirm(opened("pm_sandbox_lost_answer"))
    assert lost.answer.late
    assert not lost.intent.answers_late


def test_held_money_is_captured_whole() -> None:
    held = confirm(opened()).intent
    for amount in ("1999", "2001", "x"):
        with pytest.raises(ApiError):
            capture(held, {"amount_to_capture": amount}, 0)
    shown = capture(held, {"amount_to_capture": "2000"}, 0).answer.body
    assert (shown["status"], shown["amount_received"], shown["amount_capturable"]) == ("succeeded", 2000, 0)


def test_captured_money_is_refunded_in_parts_and_never_more_than_was_taken() -> None:
    intent = capture(confirm(opened()).intent, {}, 0).intent
    first = refund(intent, {"amount": "500"}, "re_1", 0)
    assert first.answer.body["amount"] == 500
    assert not first.intent.charge_as_json()["refunded"]
    with pytest.raises(ApiError, match="greater"):
        refund(first.intent, {"amount": "1501"}, "re_2", 0)
    rest = refund(first.intent, {}, "re_2", 0)
    assert rest.answer.body["amount"] == 1500
    assert rest.intent.charge_as_json()["refunded"]
    with pytest.raises(ApiError) as error:
        refund(rest.intent, {}, "re_3", 0)
    assert error.value.body["error"]["code"] == "charge_already_refunded"


def test_a_charge_shows_its_refunds_the_latest_first_if_asked_for_them() -> None:
    intent = capture(confirm(opened()).intent, {}, 0).intent
    first = refund(intent, {"amount": "500", "metadata[return_id]": "ret_1"}, "re_1", 7)
    second = refund(first.intent, {"amount": "700", "metadata[return_id]": "ret_2"}, "re_2", 8).intent

    charge = second.as_json(with_refunds=True)["latest_charge"]

    assert [shown["metadata"] for shown in charge["refunds"]["data"]] == [
        {"return_id": "ret_2"},
        {"return_id": "ret_1"},
    ]
    assert charge["refunds"]["data"][1] == first.answer.body
    assert (charge["amount_refunded"], charge["refunds"]["has_more"]) == (1200, False)
    assert "refunds" not in second.as_json(with_charge=True)["latest_charge"]


def test_a_refund_that_fails_later_is_accepted_and_gives_nothing_back() -> None:
    intent = capture(confirm(opened("pm_card_refundFail")).intent, {}, 0).intent
    outcome = refund(intent, {"amount": "500"}, "re_1", 0)
    charge = outcome.intent.charge_as_json(with_refunds=True)
    assert outcome.answer.body["status"] == "succeeded"
    assert [shown["status"] for shown in charge["refunds"]["data"]] == ["failed"]
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)


def test_a_charge_shows_what_became_of_the_money() -> None:
    assert opened().as_json(with_charge=True)["latest_charge"] is None
    held = confirm(opened()).intent
    assert held.as_json()["latest_charge"] == held.charge_as_json()["id"]
    assert (held.charge_as_json()["captured"], held.charge_as_json()["refunded"]) == (False, False)
    released = cancel(held, 0).intent.charge_as_json()
    assert (released["captured"], released["refunded"]) == (False, True)
    assert confirm(opened("pm_card_chargeDeclined")).intent.charge_as_json()["status"] == "failed"


def test_the_failing_method_fails_every_time_without_effect() -> None:
    intent = opened("pm_sandbox_error")
    for _ in range(3):
        outcome = confirm(intent)
        intent = outcome.intent
        assert outcome.answer.status == 500
        assert not outcome.lasting
        assert intent.status is IntentStatus.REQUIRES_CONFIRMATION


def test_the_flaky_method_fails_once_and_then_approves() -> None:
    first = confirm(opened("pm_sandbox_flaky"))
    second = confirm(first.intent)
    assert (first.answer.status, second.answer.status) == (500, 200)


def test_the_expiring_method_holds_money_that_cannot_be_taken() -> None:
    outcome = capture(confirm(opened("pm_sandbox_capture_expired")).intent, {}, 7)
    assert outcome.lasting
    assert outcome.answer.status == 400
    assert outcome.answer.body["error"]["code"] == "payment_intent_unexpected_state"
    assert (outcome.intent.status, outcome.intent.canceled_at) == (IntentStatus.CANCELED, 7)


def test_the_method_that_is_declined_at_its_capture_is_captured_at_the_next() -> None:
    first = capture(confirm(opened("pm_sandbox_capture_declined_once")).intent, {}, 0)
    second = capture(first.intent, {}, 0)
    assert (first.answer.status, first.answer.body["error"]["type"]) == (402, "card_error")
    assert (second.answer.status, second.answer.body["status"]) == (200, "succeeded")


@pytest.mark.parametrize("method", list(PaymentMethod))
def test_a_canceled_intent_can_be_neither_confirmed_nor_captured_nor_canceled(method: PaymentMethod) -> None:
    canceled = cancel(confirm(opened(method)).intent, 1_772_443_900).intent
    assert canceled.as_json()["amount_capturable"] == 0
    for refused in (
        lambda: confirm(canceled),
        lambda: cancel(canceled, 1_772_443_901),
        lambda: capture(canceled, {}, 0),
    ):
        with pytest.raises(ApiError) as error:
            refused()
        assert error.value.body["error"]["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": "1.5"}, "amount"),
        ({"currency": "euro"}, "currency"),
        ({"payment_method": "pm_unknown"}, "payment_method"),
        ({"capture_method": "automatic"}, "capture_method"),
        ({"confirm": "true"}, "confirm"),
    ],
)
def test_what_the_sandbox_does_not_take_is_refused_by_its_parameter(
    change: dict[str, str], param: str
) -> None:
    with pytest.raises(ApiError) as error:
        open_intent({**FORM, **change}, "pi_1", 0)
    assert error.value.status == 400
    assert error.value.body["error"]["param"] == param


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), min_size=1), st.randoms())
def test_the_order_of_parameters_does_not_make_another_request(
    form: dict[str, str], shuffler: object
) -> None:
    names = list(form)
    shuffler.shuffle(names)  # type: ignore[attr-defined]
    assert fingerprint_of("open", {name: form[name] for name in names}) == fingerprint_of("open", form)
    assert fingerprint_of("open", form) != fingerprint_of("confirm/pi_1", form)
