"""The reconciler of payments on real tables, with a provider in memory: what it gives back, and what it leaves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from payments.adapters.payment_store import ObservationStore, PaymentStore
from payments.adapters.provider import Intent
from payments.domain.observation import Observation, ProviderStatus, Remedy
from payments.domain.payment import Payment, PaymentRefused, PaymentStatus, ProviderUnavailable
from payments.domain.payment_service import Cashier
from payments.domain.reconciler import Reconciler
from shared.aws import client
from tests.component.payments.provider_server import payments_tables
from tests.component.payments.test_cashier import ORDER, FakeProvider, outbox

EXAMPLE = Path(__file__).parents[3] / "events" / "payments_reconcile.json"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HEARD = int((NOW - timedelta(minutes=10)).timestamp())
TOTAL = ORDER.total.amount


class Provider:
    """The intents that the provider has, and what it was told to do."""

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.told: list[str] = []
        self.refuses = False

    def has(self, reference: str, status: str, refunded: int = 0) -> None:
        self.intents[reference] = Intent(reference, status, TOTAL, refunded)

    def retrieve(self, reference: str) -> Intent:
        if reference not in self.intents:
            raise ProviderUnavailable(reference)
        return self.intents[reference]

    def cancel(self, reference: str, idempotency_key: str) -> None:
        self._do(idempotency_key)
        self.has(reference, "canceled")

    def refund(self, reference: str, idempotency_key: str) -> None:
        self._do(idempotency_key)
        self.has(reference, "succeeded", TOTAL)

    def _do(self, key: str) -> None:
        self.told.append(key)
        if self.refuses:
            raise PaymentRefused(key)


class Desk:
    """The tables, the provider and the reconciler between them."""

    def __init__(self) -> None:
        self.payments = PaymentStore(client("dynamodb"), "payments")
        self.observations = ObservationStore(client("dynamodb"), "observations")
        self.provider = Provider()
        provider: Any = self.provider
        self.reconciler = Reconciler(self.payments, self.observations, provider, lambda: NOW)

    def paid(self, status: PaymentStatus, reference: str = "pi_1") -> None:
        """Writes the order's payment down, as it was an hour ago."""
        payment = Payment.begun(ORDER, NOW - timedelta(hours=1))
        self.payments.add(
            payment.model_copy(update={"status": status, "provider_reference": reference, "version": 1})
        )

    def heard(self, status: ProviderStatus, reference: str = "pi_1") -> None:
        """Writes down what the provider said 10 minutes ago, compared as the webhook does."""
        said = Observation(
            reference=reference,
            order_id=ORDER.order_id,
            provider_status=status,
            observed_at=HEARD,
            event_id=f"evt_{reference}",
        )
        self.observations.record(f"evt_{reference}", said.compared(self.payments.find(ORDER.order_id)), HEARD)


@pytest.fixture
def desk(aws: None) -> Desk:
    payments_tables()
    return Desk()


@pytest.mark.parametrize("status", [PaymentStatus.VOIDED, PaymentStatus.DECLINED, PaymentStatus.REFUNDED])
@pytest.mark.parametrize(
    ("has", "remedy"), [("requires_capture", Remedy.CANCEL), ("succeeded", Remedy.REFUND)]
)
def test_money_of_a_payment_that_is_over_goes_back(
    desk: Desk, status: PaymentStatus, has: str, remedy: Remedy
) -> None:
    desk.paid(status)
    desk.provider.has("pi_1", has)
    desk.heard(ProviderStatus(has))
    assert desk.reconciler.differing(10) == ["pi_1"]

    assert desk.reconciler.reconcile("pi_1") is remedy

    assert desk.provider.told == [f"pi_1:reconcile-{remedy.value}"]
    intent = desk.provider.intents["pi_1"]
    assert intent.status == "canceled" or intent.refunded
    assert desk.reconciler.differing(10) == []


@pytest.mark.parametrize(
    ("status", "has", "refunded"),
    [(PaymentStatus.VOIDED, "requires_capture", 0), (PaymentStatus.REFUNDED, "succeeded", 500)],
)
def test_what_was_put_right_differs_no_more(
    desk: Desk, status: PaymentStatus, has: str, refunded: int
) -> None:
    desk.paid(status)
    desk.provider.has("pi_1", has, refunded)
    desk.heard(ProviderStatus.PARTIALLY_REFUNDED if refunded else ProviderStatus.HELD)

    desk.reconciler.reconcile("pi_1")

    assert desk.reconciler.differing(10) == []
    assert desk.reconciler.reconcile("pi_1") is Remedy.NONE
    assert len(desk.provider.told) == 1


def test_a_difference_that_the_provider_says_is_over_is_taken_off_the_list(desk: Desk) -> None:
    desk.paid(PaymentStatus.VOIDED)
    desk.heard(ProviderStatus.HELD)
    desk.provider.has("pi_1", "canceled")

    assert desk.reconciler.reconcile("pi_1") is Remedy.NONE

    assert (desk.provider.told, desk.reconciler.differing(10)) == ([], [])
    last = desk.observations.last("pi_1")
    assert last and (last.provider_status, last.observed_at) == ("canceled", HEARD), "later word still counts"


@pytest.mark.parametrize(
    ("status", "reference", "has"),
    [
        (PaymentStatus.AUTHORIZED, "pi_1", "canceled"),
        (PaymentStatus.AUTHORIZED, "pi_1", "succeeded"),
        (PaymentStatus.CAPTURED, "pi_1", "canceled"),
        (PaymentStatus.VOIDED, "pi_other", "requires_capture"),
        (None, "pi_1", "requires_capture"),
    ],
)
def test_what_somebody_must_decide_is_left_and_stays_on_the_list(
    desk: Desk, status: PaymentStatus | None, reference: str, has: str
) -> None:
    """An order that is not paid, one that was taken by hand, and money that no payment of ours names."""
    if status:
        desk.paid(status, reference)
    desk.provider.has("pi_1", has)
    desk.heard(ProviderStatus(has))

    assert desk.reconciler.reconcile("pi_1") is Remedy.OPERATOR

    assert (desk.provider.told, desk.reconciler.differing(10)) == ([], ["pi_1"])


def test_a_run_goes_on_after_one_that_fails_tells_what_is_left_and_fails_at_its_end(
    desk: Desk, lambda_context: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from payments.functions import reconcile

    desk.paid(PaymentStatus.VOIDED)
    for reference in ("pi_0", "pi_1"):
        desk.heard(ProviderStatus.HELD, reference)
    desk.provider.has("pi_1", "requires_capture")
    monkeypatch.setattr(reconcile, "reconciler", lambda: desk.reconciler)
    monkeypatch.setattr(reconcile, "payment_store", lambda: desk.payments)
    monkeypatch.setattr(lambda_context, "get_remaining_time_in_millis", lambda: 60_000)

    with pytest.raises(reconcile.ReconciliationFailed, match="pi_0"):
        reconcile.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert desk.provider.told == ["pi_1:reconcile-cancel"]
    [told] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (told["ProviderDiffers"], told["PaymentsReconciled"]) == ([1.0], [1.0])


def test_money_that_the_provider_will_not_give_back_stays_on_the_list(desk: Desk) -> None:
    desk.paid(PaymentStatus.VOIDED)
    desk.provider.has("pi_1", "succeeded")
    desk.provider.refuses = True
    desk.heard(ProviderStatus.TAKEN)

    with pytest.raises(PaymentRefused):
        desk.reconciler.reconcile("pi_1")

    assert desk.reconciler.differing(10) == ["pi_1"]


S = PaymentStatus
# What was begun, how far the provider came, what the payment is then, and what is told.
HANGING = [
    (S.AUTHORIZING, "requires_capture", (S.AUTHORIZED, "payment.authorized")),
    (S.AUTHORIZING, "requires_confirmation", (S.AUTHORIZING, None)),
    (S.CAPTURING, "requires_capture", (S.CAPTURED, "payment.captured")),
    (S.CAPTURING, "succeeded", (S.CAPTURED, "payment.captured")),
    (S.CAPTURING, "canceled", (S.CAPTURE_FAILED, "payment.capture_failed")),
    (S.VOIDING, "requires_capture", (S.VOIDED, "payment.voided")),
    (S.VOIDING, "canceled", (S.VOIDED, "payment.voided")),
    (S.VOIDING, "succeeded", (S.REFUNDED, "payment.refunded")),
    (S.REFUNDING, "succeeded", (S.REFUNDED, "payment.refunded")),
    (S.REFUNDING, "refunded", (S.REFUNDED, "payment.refunded")),
]


class Holding(FakeProvider):
    """The provider in memory, which can be asked."""

    def retrieve(self, reference: str) -> Intent:
        return Intent(reference, self.intents[reference], TOTAL, 0)


@pytest.fixture
def run(desk: Desk, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, int]]:
    """Runs the schedule while the provider has the payment's intent in the status that is given."""
    from payments.functions import reconcile

    provider: Any = Holding()
    monkeypatch.setattr(reconcile, "payment_store", lambda: desk.payments)
    monkeypatch.setattr(reconcile, "reconciler", lambda: desk.reconciler)
    monkeypatch.setattr(reconcile, "cashier", lambda: Cashier(desk.payments, provider, lambda: NOW))
    monkeypatch.setattr(lambda_context, "get_remaining_time_in_millis", lambda: 60_000)

    def handle(has: str) -> dict[str, int]:
        provider.intents["pi_1"] = has
        return reconcile.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    return handle


@pytest.mark.parametrize(("begun", "has", "outcome"), HANGING)
def test_what_was_begun_at_the_provider_and_cut_short_is_finished(
    desk: Desk, run: Callable[[str], dict[str, int]], begun: S, has: str, outcome: tuple[S, str | None]
) -> None:
    desk.paid(begun)

    assert run(has)["hanging"] == 1

    ends, told = outcome
    payment = desk.payments.find(ORDER.order_id)
    assert payment and payment.status is ends
    if told is not None:
        assert [event["event_type"] for event in outbox()] == [told]
        assert desk.payments.under_way_since_before(NOW, 10) == []


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_only_payments_that_wait_for_the_provider_for_too_long_hang(
    desk: Desk, status: PaymentStatus
) -> None:
    desk.paid(status)
    assert desk.payments.under_way_since_before(NOW - timedelta(hours=1), 10) == []
    hanging = desk.payments.under_way_since_before(NOW, 10)
    assert hanging == ([ORDER.order_id] if status.is_under_way else [])
    assert status.is_under_way == status.value.endswith("ing")
