"""The payment service on a real table, with a provider that loses answers and is overtaken."""

from collections.abc import Callable

import pytest

from payments.adapters.payment_store import PaymentStore
from payments.domain.payment import (
    AlreadyVoided,
    CaptureFailed,
    CardDeclined,
    OrderDecided,
    Payment,
    PaymentNotAuthorized,
    PaymentRefused,
    PaymentStatus,
    ProviderUnavailable,
)
from payments.domain.payment_service import PaymentService
from shared.versioned_table import WriteConflict
from tests.component.payments.fakes import NOW, ORDER, FakeProvider, fails_with, outbox
from tests.component.saga_orders import token_of


def test_the_payment_token_is_read_once_and_kept_nowhere(
    payment_service: PaymentService, store: PaymentStore, provider: FakeProvider
) -> None:
    asked: list[str] = []

    def token(order_id: str) -> str:
        asked.append(order_id)
        return "pm_card_visa"

    for _ in range(2):
        payment = payment_service.authorize(ORDER, token)
    assert asked == [ORDER.order_id]
    assert "pm_card_visa" not in payment.model_dump_json()


def test_a_decided_order_is_not_authorized_any_more(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    with pytest.raises(OrderDecided):
        payment_service.authorize(ORDER, lambda _: None)
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED


def test_a_retry_gives_the_same_payment_and_asks_the_provider_once(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    first = payment_service.authorize(ORDER, token_of)
    assert first.status is PaymentStatus.AUTHORIZED
    assert first.provider_reference == "pi_1"
    assert payment_service.authorize(ORDER, token_of) == first
    assert provider.calls == ["order-1:open", "order-1:authorize"]
    assert [event["event_type"] for event in outbox()] == ["payment.authorized"]


def test_a_declined_card_stays_declined(payment_service: PaymentService, provider: FakeProvider) -> None:
    provider.before["confirm"] = fails_with(CardDeclined("generic_decline"))
    for _ in range(2):
        with pytest.raises(CardDeclined, match="generic_decline"):
            payment_service.authorize(ORDER, token_of)
    [event] = outbox()
    assert event["event_type"] == "payment.declined"
    assert event["data"]["reason"] == "generic_decline"
    assert provider.calls == ["order-1:open", "order-1:authorize"]


def test_a_declined_payment_needs_no_void(payment_service: PaymentService, provider: FakeProvider) -> None:
    provider.before["confirm"] = fails_with(CardDeclined("generic_decline"))
    with pytest.raises(CardDeclined):
        payment_service.authorize(ORDER, token_of)
    assert payment_service.void(ORDER).status is PaymentStatus.DECLINED
    assert "order-1:void" not in provider.calls


def test_a_retry_after_a_lost_answer_confirms_the_same_intent(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    provider.after["confirm"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.authorize(ORDER, token_of)
    assert payment_service.authorize(ORDER, token_of).status is PaymentStatus.AUTHORIZED
    assert provider.calls == ["order-1:open", "order-1:authorize", "order-1:authorize"]


def test_void_releases_an_authorized_payment_once(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "canceled"}
    assert [event["event_type"] for event in outbox()] == ["payment.voided"]
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.calls.count("order-1:void") == 1


def test_void_releases_money_whose_authorization_was_never_answered(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    provider.after["confirm"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.authorize(ORDER, token_of)
    assert provider.intents == {"pi_1": "requires_capture"}
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "canceled"}


def test_void_of_an_intent_whose_opening_was_never_answered_needs_no_provider(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    provider.after["open"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.authorize(ORDER, token_of)
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "requires_confirmation"}


def test_an_authorization_after_the_void_never_reaches_the_provider(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED
    assert outbox() == []
    with pytest.raises(AlreadyVoided):
        payment_service.authorize(ORDER, token_of)
    assert provider.calls == []


@pytest.mark.parametrize("operation", ["open", "confirm"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_void_that_overtakes_an_authorization_leaves_nothing_held(
    payment_service: PaymentService, provider: FakeProvider, operation: str, moment: str
) -> None:
    getattr(provider, moment)[operation] = lambda: payment_service.void(ORDER)
    with pytest.raises(AlreadyVoided):
        payment_service.authorize(ORDER, token_of)
    assert provider.intents.get("pi_1") in (None, "requires_confirmation", "canceled")
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED


def test_a_void_that_the_provider_did_not_answer_is_finished_by_its_retry(
    payment_service: PaymentService, provider: FakeProvider, store: PaymentStore
) -> None:
    payment_service.authorize(ORDER, token_of)
    provider.after["cancel"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.void(ORDER)
    unfinished = store.find("order-1")
    assert unfinished is not None
    assert unfinished.status is PaymentStatus.VOIDING
    with pytest.raises(AlreadyVoided):
        payment_service.authorize(ORDER, token_of)
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED


def test_a_refusal_that_no_retry_mends_is_passed_on_and_can_be_voided(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    provider.before["confirm"] = fails_with(PaymentRefused("HTTP 401"))
    with pytest.raises(PaymentRefused):
        payment_service.authorize(ORDER, token_of)
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED


def test_held_money_is_taken_once(payment_service: PaymentService, provider: FakeProvider) -> None:
    payment_service.authorize(ORDER, token_of)
    assert payment_service.capture("order-1").status is PaymentStatus.CAPTURED
    assert [event["event_type"] for event in outbox()] == ["payment.captured"]
    assert payment_service.capture("order-1").status is PaymentStatus.CAPTURED
    assert payment_service.authorize(ORDER, token_of).status is PaymentStatus.CAPTURED
    assert provider.calls == ["order-1:open", "order-1:authorize", "order-1:capture"]


def test_a_capture_that_was_not_answered_is_finished_by_its_retry(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    provider.after["capture"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.capture("order-1")
    assert payment_service.capture("order-1").status is PaymentStatus.CAPTURED


def test_a_hold_that_ran_out_fails_the_capture_for_good_and_says_so_once(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    provider.intents["pi_1"] = "canceled"
    for _ in range(3):
        with pytest.raises(CaptureFailed):
            payment_service.capture("order-1")
    [event] = outbox()
    assert (event["event_type"], event["aggregate_version"]) == ("payment.capture_failed", 5)
    assert event["data"]["reason"] == "payment_intent_unexpected_state"
    assert provider.calls.count("order-1:capture") == 1
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED


def test_a_card_that_is_refused_at_the_capture_fails_it_for_good(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    provider.before["capture"] = fails_with(CardDeclined("generic_decline"))
    with pytest.raises(CaptureFailed):
        payment_service.capture("order-1")
    assert outbox()[0]["data"]["reason"] == "generic_decline"


@pytest.mark.parametrize("intent_status", [None, "requires_capture"], ids=["a wrong key", "still held"])
def test_a_refusal_that_leaves_the_money_held_fails_no_capture(
    payment_service: PaymentService, provider: FakeProvider, store: PaymentStore, intent_status: str | None
) -> None:
    """A key that is wrong for an hour must not cancel an hour's orders."""
    payment_service.authorize(ORDER, token_of)
    provider.before["capture"] = fails_with(PaymentRefused("HTTP 401", intent_status=intent_status))
    with pytest.raises(PaymentRefused):
        payment_service.capture("order-1")
    payment = store.find("order-1")
    assert payment and payment.status is PaymentStatus.CAPTURING
    assert payment_service.capture("order-1").status is PaymentStatus.CAPTURED


def test_a_failed_capture_is_tried_once_more_when_that_is_asked_for_and_under_another_key(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    for failure in (None, 5):
        provider.before["capture"] = fails_with(CardDeclined("generic_decline"))
        with pytest.raises(CaptureFailed):
            payment_service.capture("order-1", retry_failed_version=failure)
    # Asked for again by a message that came twice: that failure is overcome, or not, already.
    with pytest.raises(CaptureFailed):
        payment_service.capture("order-1", retry_failed_version=5)
    assert payment_service.capture("order-1", retry_failed_version=7).status is PaymentStatus.CAPTURED
    assert [key for key in provider.calls if ":capture" in key] == [
        "order-1:capture",
        "order-1:capture-1",
        "order-1:capture-2",
    ]


def test_a_capture_that_a_void_overtakes_did_not_fail(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)

    def overtake() -> None:
        payment_service.void(ORDER)

    provider.before["capture"] = overtake
    with pytest.raises(AlreadyVoided):
        payment_service.capture("order-1")


def test_voiding_a_captured_payment_refunds_it_once(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    payment_service.capture("order-1")
    for _ in range(2):
        assert payment_service.void(ORDER).status is PaymentStatus.REFUNDED
    [event] = outbox()
    assert event["event_type"] == "payment.refunded"
    assert event["data"]["amount"] == {"amount": 2000, "currency": "EUR"}
    assert provider.intents == {"pi_1": "refunded"}
    assert provider.calls.count("order-1:refund") == 1


def test_money_whose_capture_was_never_answered_is_refunded_by_a_void(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    provider.after["capture"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.capture("order-1")
    assert payment_service.void(ORDER).status is PaymentStatus.REFUNDED
    assert provider.intents == {"pi_1": "refunded"}


def test_money_whose_capture_never_arrived_is_released_by_a_void(
    payment_service: PaymentService, provider: FakeProvider
) -> None:
    payment_service.authorize(ORDER, token_of)
    provider.before["capture"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.capture("order-1")
    assert payment_service.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "canceled"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_void_that_overtakes_a_capture_leaves_nothing_taken(
    payment_service: PaymentService, provider: FakeProvider, moment: str
) -> None:
    payment_service.authorize(ORDER, token_of)
    getattr(provider, moment)["capture"] = lambda: payment_service.void(ORDER)
    with pytest.raises(AlreadyVoided):
        payment_service.capture("order-1")
    assert provider.intents["pi_1"] in {"canceled", "refunded"}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_refund_that_the_provider_did_not_answer_is_finished_by_its_retry(
    payment_service: PaymentService, provider: FakeProvider, store: PaymentStore, moment: str
) -> None:
    payment_service.authorize(ORDER, token_of)
    payment_service.capture("order-1")
    getattr(provider, moment)["refund"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        payment_service.void(ORDER)
    unfinished = store.find("order-1")
    assert unfinished is not None
    assert unfinished.status is PaymentStatus.REFUNDING
    assert payment_service.void(ORDER).status is PaymentStatus.REFUNDED
    assert provider.intents == {"pi_1": "refunded"}


S = PaymentStatus
# The result of each operation for a payment in each status: the new status, or the exception.
OUTCOMES: dict[PaymentStatus | None, dict[str, PaymentStatus | type[Exception]]] = {
    None: {
        "authorize": S.AUTHORIZED,
        "capture": PaymentNotAuthorized,
        "void": S.VOIDED,
    },
    S.AUTHORIZING: {
        "authorize": S.AUTHORIZED,
        "capture": PaymentNotAuthorized,
        "void": S.VOIDED,
    },
    S.AUTHORIZED: {
        "authorize": S.AUTHORIZED,
        "capture": S.CAPTURED,
        "void": S.VOIDED,
    },
    S.DECLINED: {
        "authorize": CardDeclined,
        "capture": PaymentNotAuthorized,
        "void": S.DECLINED,
    },
    S.CAPTURING: {
        "authorize": S.CAPTURING,
        "capture": S.CAPTURED,
        "void": S.VOIDED,
    },
    S.CAPTURED: {
        "authorize": S.CAPTURED,
        "capture": S.CAPTURED,
        "void": S.REFUNDED,
    },
    S.CAPTURE_FAILED: {
        "authorize": S.CAPTURE_FAILED,
        "capture": CaptureFailed,
        "void": S.VOIDED,
    },
    S.VOIDING: {
        "authorize": AlreadyVoided,
        "capture": AlreadyVoided,
        "void": S.VOIDED,
    },
    S.VOIDED: {
        "authorize": AlreadyVoided,
        "capture": AlreadyVoided,
        "void": S.VOIDED,
    },
    S.REFUNDING: {
        "authorize": AlreadyVoided,
        "capture": AlreadyVoided,
        "void": S.REFUNDED,
    },
    S.REFUNDED: {
        "authorize": AlreadyVoided,
        "capture": AlreadyVoided,
        "void": S.REFUNDED,
    },
}
# What the provider says of an intent while its payment has that status; before an answer, nothing has happened yet.
AT_THE_PROVIDER = {
    S.AUTHORIZING: "requires_confirmation",
    S.AUTHORIZED: "requires_capture",
    S.DECLINED: "requires_payment_method",
    S.CAPTURING: "requires_capture",
    S.CAPTURED: "succeeded",
    S.CAPTURE_FAILED: "requires_capture",
    S.VOIDING: "requires_capture",
    S.VOIDED: "canceled",
    S.REFUNDING: "succeeded",
    S.REFUNDED: "refunded",
}
MONEY = {"requires_capture", "succeeded"}


def test_the_table_of_outcomes_is_complete() -> None:
    operations = {"authorize", "capture", "void"}
    assert set(OUTCOMES) == {None, *PaymentStatus}
    assert all(set(row) == operations for row in OUTCOMES.values())


@pytest.mark.parametrize("operation", ["authorize", "capture", "void"])
@pytest.mark.parametrize("status", [None, *PaymentStatus], ids=str)
def test_every_operation_in_every_status(
    payment_service: PaymentService,
    provider: FakeProvider,
    store: PaymentStore,
    status: PaymentStatus | None,
    operation: str,
) -> None:
    if status is not None:
        begun = Payment.begun(ORDER, NOW)
        store.add(begun.model_copy(update={"status": status, "provider_reference": "pi_1"}))
        provider.intents["pi_1"] = AT_THE_PROVIDER[status]
    outcome = OUTCOMES[status][operation]
    run: dict[str, Callable[[], Payment]] = {
        "authorize": lambda: payment_service.authorize(ORDER, token_of),
        "capture": lambda: payment_service.capture("order-1"),
        "void": lambda: payment_service.void(ORDER),
    }
    before = store.find("order-1")
    # A second call, late or repeated, comes to the same.
    for _ in range(2):
        if isinstance(outcome, PaymentStatus):
            assert run[operation]().status is outcome
        else:
            with pytest.raises(outcome):
                run[operation]()
    after = store.find("order-1")
    if not isinstance(outcome, PaymentStatus) or outcome is status:
        assert after == before
        assert provider.calls == []
    elif after is not None and after.status in {S.VOIDED, S.REFUNDED}:
        assert provider.intents.get("pi_1") not in MONEY


def test_only_the_next_version_can_be_stored(payment_service: PaymentService, store: PaymentStore) -> None:
    authorized = payment_service.authorize(ORDER, token_of)
    store.save(authorized.begin_void(NOW))
    with pytest.raises(WriteConflict):
        store.save(authorized.begin_void(NOW))
    with pytest.raises(WriteConflict):
        store.add(authorized)
