"""Authorizing and voiding on a real table, with a provider that loses answers and is overtaken."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from payments.cashier import Cashier
from payments.domain import CardDeclined, PaymentRefused, PaymentStatus, PaymentVoided, ProviderUnavailable
from payments.store import PaymentContended, PaymentStore
from shared.aws import client
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


class FakeProvider:
    """A provider in memory. `before` and `after` run around the named operation, to fail it or to overtake it."""

    def __init__(self) -> None:
        self.intents: dict[str, str] = {}
        self.before: dict[str, Callable[[], None]] = {}
        self.after: dict[str, Callable[[], None]] = {}
        self.calls: list[str] = []

    def open(self, *_: Any, idempotency_key: str, **__: Any) -> str:
        return self._do("open", "pi_1", "requires_confirmation", idempotency_key)

    def confirm(self, reference: str, idempotency_key: str) -> None:
        self._do("confirm", reference, "requires_capture", idempotency_key)

    def cancel(self, reference: str, idempotency_key: str) -> None:
        self._do("cancel", reference, "canceled", idempotency_key)

    def _do(self, operation: str, reference: str, status: str, key: str) -> str:
        self.calls.append(key)
        self.before.pop(operation, lambda: None)()
        if operation == "confirm" and self.intents[reference] == "canceled":
            raise PaymentRefused("payment_intent_unexpected_state")
        self.intents[reference] = status
        self.after.pop(operation, lambda: None)()
        return reference


def fails_with(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def store(aws: None) -> PaymentStore:
    client("dynamodb").create_table(
        TableName="payments",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return PaymentStore(client("dynamodb"), "payments")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def cashier(store: PaymentStore, provider: FakeProvider) -> Cashier:
    return Cashier(store, provider, lambda: NOW)  # type: ignore[arg-type]


def outbox() -> list[dict[str, Any]]:
    """The events of the payment's last change."""
    item = client("dynamodb").get_item(TableName="payments", Key={"pk": {"S": "order-1"}})["Item"]
    return [json.loads(entry["S"]) for entry in item["outbox"]["L"]]


def test_a_retry_gives_the_same_payment_and_asks_the_provider_once(
    cashier: Cashier, provider: FakeProvider
) -> None:
    first = cashier.authorize(ORDER)
    assert first.status is PaymentStatus.AUTHORIZED
    assert first.provider_reference == "pi_1"
    assert cashier.authorize(ORDER) == first
    assert provider.calls == ["order-1:open", "order-1:authorize"]
    assert [event["event_type"] for event in outbox()] == ["payment.authorized"]


def test_a_declined_card_stays_declined(cashier: Cashier, provider: FakeProvider) -> None:
    provider.before["confirm"] = fails_with(CardDeclined("generic_decline"))
    for _ in range(2):
        with pytest.raises(CardDeclined, match="generic_decline"):
            cashier.authorize(ORDER)
    [event] = outbox()
    assert event["event_type"] == "payment.declined"
    assert event["data"]["reason"] == "generic_decline"
    assert provider.calls == ["order-1:open", "order-1:authorize"]


def test_a_declined_payment_needs_no_void(cashier: Cashier, provider: FakeProvider) -> None:
    provider.before["confirm"] = fails_with(CardDeclined("generic_decline"))
    with pytest.raises(CardDeclined):
        cashier.authorize(ORDER)
    assert cashier.void(ORDER).status is PaymentStatus.DECLINED
    assert "order-1:void" not in provider.calls


def test_a_retry_after_a_lost_answer_confirms_the_same_intent(
    cashier: Cashier, provider: FakeProvider
) -> None:
    provider.after["confirm"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        cashier.authorize(ORDER)
    assert cashier.authorize(ORDER).status is PaymentStatus.AUTHORIZED
    assert provider.calls == ["order-1:open", "order-1:authorize", "order-1:authorize"]


def test_void_releases_an_authorized_payment_once(cashier: Cashier, provider: FakeProvider) -> None:
    cashier.authorize(ORDER)
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "canceled"}
    assert [event["event_type"] for event in outbox()] == ["payment.voided"]
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.calls.count("order-1:void") == 1


def test_void_releases_money_whose_authorization_was_never_answered(
    cashier: Cashier, provider: FakeProvider
) -> None:
    provider.after["confirm"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        cashier.authorize(ORDER)
    assert provider.intents == {"pi_1": "requires_capture"}
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "canceled"}


def test_void_of_an_intent_whose_opening_was_never_answered_needs_no_provider(
    cashier: Cashier, provider: FakeProvider
) -> None:
    provider.after["open"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        cashier.authorize(ORDER)
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED
    assert provider.intents == {"pi_1": "requires_confirmation"}


def test_an_authorization_after_the_void_never_reaches_the_provider(
    cashier: Cashier, provider: FakeProvider
) -> None:
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED
    assert outbox() == []
    with pytest.raises(PaymentVoided):
        cashier.authorize(ORDER)
    assert provider.calls == []


@pytest.mark.parametrize("operation", ["open", "confirm"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_void_that_overtakes_an_authorization_leaves_nothing_held(
    cashier: Cashier, provider: FakeProvider, operation: str, moment: str
) -> None:
    getattr(provider, moment)[operation] = lambda: cashier.void(ORDER)
    with pytest.raises(PaymentVoided):
        cashier.authorize(ORDER)
    assert provider.intents.get("pi_1") in (None, "requires_confirmation", "canceled")
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED


def test_a_void_that_the_provider_did_not_answer_is_finished_by_its_retry(
    cashier: Cashier, provider: FakeProvider, store: PaymentStore
) -> None:
    cashier.authorize(ORDER)
    provider.after["cancel"] = fails_with(ProviderUnavailable("lost"))
    with pytest.raises(ProviderUnavailable):
        cashier.void(ORDER)
    unfinished = store.find("order-1")
    assert unfinished is not None
    assert unfinished.status is PaymentStatus.VOIDING
    with pytest.raises(PaymentVoided):
        cashier.authorize(ORDER)
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED


def test_a_refusal_that_no_retry_mends_is_passed_on_and_can_be_voided(
    cashier: Cashier, provider: FakeProvider
) -> None:
    provider.before["confirm"] = fails_with(PaymentRefused("HTTP 401"))
    with pytest.raises(PaymentRefused):
        cashier.authorize(ORDER)
    assert cashier.void(ORDER).status is PaymentStatus.VOIDED


def test_only_the_next_version_can_be_stored(cashier: Cashier, store: PaymentStore) -> None:
    authorized = cashier.authorize(ORDER)
    store.save(authorized.begin_void(NOW))
    with pytest.raises(PaymentContended):
        store.save(authorized.begin_void(NOW))
    with pytest.raises(PaymentContended):
        store.add(authorized)
