"""The reconcile function on real tables, with a provider in memory: the money it gives back, and the rest it leaves."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from payments.adapters.observation_store import ObservationStore
from payments.adapters.payment_store import PaymentStore
from payments.domain.difference_resolver import DifferenceResolver
from payments.domain.intent import Intent, ProviderStatus
from payments.domain.observation import Observation, Remedy
from payments.domain.payment import Payment, PaymentRefused, PaymentStatus, ProviderUnavailable
from payments.domain.payment_service import PaymentService
from shared.aws import client
from shared.money import Money
from tests.component.payments.fakes import NOW, ORDER, FakeProvider, outbox

EXAMPLE = Path(__file__).parents[3] / "events" / "payments_reconcile.json"
OBSERVED = int((NOW - timedelta(minutes=10)).timestamp())
TOTAL = ORDER.total.amount


class Provider:
    """A provider that has intents with refunds; `commands` are the idempotency keys of the commands it got."""

    def __init__(self) -> None:
        self.intents: dict[str, Intent] = {}
        self.commands: list[str] = []
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

    def refund(self, reference: str, idempotency_key: str, metadata: Any = None) -> None:
        self._do(idempotency_key)
        self.has(reference, "succeeded", TOTAL)

    def _do(self, key: str) -> None:
        self.commands.append(key)
        if self.refuses:
            raise PaymentRefused(key)


class Reconciliation:
    """The tables, the provider and the difference resolver between them."""

    def __init__(self) -> None:
        self.payments = PaymentStore(client("dynamodb"), "payments")
        self.observations = ObservationStore(client("dynamodb"), "observations")
        self.provider = Provider()
        provider: Any = self.provider
        self.resolver = DifferenceResolver(self.payments, self.observations, provider, lambda: NOW)

    def store_payment(self, status: PaymentStatus, reference: str = "pi_1") -> None:
        """Stores the order's payment, as it was an hour ago."""
        payment = Payment.begun(ORDER, NOW - timedelta(hours=1))
        self.payments.add(
            payment.model_copy(update={"status": status, "provider_reference": reference, "version": 1})
        )

    def observe(self, status: ProviderStatus, reference: str = "pi_1") -> None:
        """Stores an observation from 10 minutes ago, compared as the webhook does."""
        observation = Observation(
            reference=reference,
            order_id=ORDER.order_id,
            provider_status=status,
            observed_at=OBSERVED,
            event_id=f"evt_{reference}",
        )
        compared = observation.compared(self.payments.find(ORDER.order_id))
        self.observations.record(f"evt_{reference}", compared, OBSERVED)


@pytest.fixture
def reconciliation(tables: None) -> Reconciliation:
    return Reconciliation()


@pytest.mark.parametrize("status", [PaymentStatus.VOIDED, PaymentStatus.DECLINED, PaymentStatus.REFUNDED])
@pytest.mark.parametrize(
    ("has", "remedy"), [("requires_capture", Remedy.CANCEL), ("succeeded", Remedy.REFUND)]
)
def test_money_of_a_payment_that_is_over_goes_back(
    reconciliation: Reconciliation, status: PaymentStatus, has: str, remedy: Remedy
) -> None:
    reconciliation.store_payment(status)
    reconciliation.provider.has("pi_1", has)
    reconciliation.observe(ProviderStatus(has))
    assert reconciliation.resolver.differing(10) == ["pi_1"]

    assert reconciliation.resolver.resolve("pi_1") is remedy

    assert reconciliation.provider.commands == [f"pi_1:reconcile-{remedy.value}"]
    intent = reconciliation.provider.intents["pi_1"]
    assert intent.status == "canceled" or intent.refunded
    assert reconciliation.resolver.differing(10) == []


@pytest.mark.parametrize(
    ("status", "has", "refunded"),
    [(PaymentStatus.VOIDED, "requires_capture", 0), (PaymentStatus.REFUNDED, "succeeded", 500)],
)
def test_a_resolved_intent_differs_no_more(
    reconciliation: Reconciliation, status: PaymentStatus, has: str, refunded: int
) -> None:
    reconciliation.store_payment(status)
    reconciliation.provider.has("pi_1", has, refunded)
    reconciliation.observe(ProviderStatus.PARTIALLY_REFUNDED if refunded else ProviderStatus.HELD)

    reconciliation.resolver.resolve("pi_1")

    assert reconciliation.resolver.differing(10) == []
    assert reconciliation.resolver.resolve("pi_1") is Remedy.NONE
    assert len(reconciliation.provider.commands) == 1


def test_a_difference_that_no_longer_exists_is_taken_off_the_list(reconciliation: Reconciliation) -> None:
    reconciliation.store_payment(PaymentStatus.VOIDED)
    reconciliation.observe(ProviderStatus.HELD)
    reconciliation.provider.has("pi_1", "canceled")

    assert reconciliation.resolver.resolve("pi_1") is Remedy.NONE

    assert (reconciliation.provider.commands, reconciliation.resolver.differing(10)) == ([], [])
    last = reconciliation.observations.last("pi_1")
    assert last and (last.provider_status, last.observed_at) == ("canceled", OBSERVED), (
        "a later event still counts"
    )


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
def test_a_difference_that_an_operator_must_decide_stays_on_the_list(
    reconciliation: Reconciliation, status: PaymentStatus | None, reference: str, has: str
) -> None:
    """An unpaid order, a capture by hand, and money that no payment of ours names."""
    if status:
        reconciliation.store_payment(status, reference)
    reconciliation.provider.has("pi_1", has)
    reconciliation.observe(ProviderStatus(has))

    assert reconciliation.resolver.resolve("pi_1") is Remedy.OPERATOR

    assert (reconciliation.provider.commands, reconciliation.resolver.differing(10)) == ([], ["pi_1"])


def test_a_run_goes_on_after_a_failure_counts_the_rest_and_fails_at_its_end(
    reconciliation: Reconciliation,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from payments.functions import reconcile

    reconciliation.store_payment(PaymentStatus.VOIDED)
    for reference in ("pi_0", "pi_1"):
        reconciliation.observe(ProviderStatus.HELD, reference)
    reconciliation.provider.has("pi_1", "requires_capture")
    monkeypatch.setattr(reconcile, "difference_resolver", lambda: reconciliation.resolver)
    monkeypatch.setattr(reconcile, "payment_store", lambda: reconciliation.payments)
    monkeypatch.setattr(lambda_context, "get_remaining_time_in_millis", lambda: 60_000)

    with pytest.raises(reconcile.ReconciliationFailed, match="pi_0"):
        reconcile.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert reconciliation.provider.commands == ["pi_1:reconcile-cancel"]
    [logged] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert (logged["ProviderDiffers"], logged["PaymentsReconciled"]) == ([1.0], [1.0])


def test_differences_that_are_left_to_an_operator_keep_it_from_no_later_one(
    reconciliation: Reconciliation, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has the time for one of two."""
    from payments.functions import reconcile

    reconciliation.store_payment(PaymentStatus.VOIDED, "pi_2")
    for reference in ("pi_1", "pi_2"):
        reconciliation.observe(ProviderStatus.HELD, reference)
        reconciliation.provider.has(reference, "requires_capture")
    monkeypatch.setattr(reconcile, "difference_resolver", lambda: reconciliation.resolver)
    monkeypatch.setattr(reconcile, "payment_store", lambda: reconciliation.payments)
    for start in range(2):
        left = iter([60_000, 5_000])
        monkeypatch.setattr(lambda_context, "get_remaining_time_in_millis", lambda left=left: next(left))
        monkeypatch.setattr(reconcile, "from_any_one", lambda keys, _, start=start: keys[start:])
        reconcile.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert reconciliation.provider.commands == ["pi_2:reconcile-cancel"]
    assert reconciliation.resolver.differing(10) == ["pi_1"]


def test_payments_that_hang_again_at_each_run_keep_it_from_no_difference(
    reconciliation: Reconciliation, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has the time for one, of a payment that cannot be finished and a difference that can be resolved."""
    from payments.functions import reconcile

    def complete(_: str) -> str:
        raise ProviderUnavailable

    reconciliation.store_payment(PaymentStatus.VOIDED)
    reconciliation.observe(ProviderStatus.HELD)
    reconciliation.provider.has("pi_1", "requires_capture")
    monkeypatch.setattr(reconcile, "complete", complete)
    monkeypatch.setattr(reconcile, "difference_resolver", lambda: reconciliation.resolver)
    monkeypatch.setattr(reconcile, "payment_store", lambda: reconciliation.payments)
    monkeypatch.setattr(reconciliation.payments, "under_way_since_before", lambda *_: ["another-order"])
    for start in range(2):
        left = iter([60_000, 5_000])
        monkeypatch.setattr(lambda_context, "get_remaining_time_in_millis", lambda left=left: next(left))
        monkeypatch.setattr(
            reconcile, "from_any_one", lambda keys, _, start=start: [*keys[start:], *keys[:start]]
        )
        with suppress(reconcile.ReconciliationFailed):
            reconcile.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    assert reconciliation.provider.commands == ["pi_1:reconcile-cancel"]


def test_money_that_the_provider_will_not_give_back_stays_on_the_list(reconciliation: Reconciliation) -> None:
    reconciliation.store_payment(PaymentStatus.VOIDED)
    reconciliation.provider.has("pi_1", "succeeded")
    reconciliation.provider.refuses = True
    reconciliation.observe(ProviderStatus.TAKEN)

    with pytest.raises(PaymentRefused):
        reconciliation.resolver.resolve("pi_1")

    assert reconciliation.resolver.differing(10) == ["pi_1"]


S = PaymentStatus
# The status of the operation that was cut short, the intent's status; the payment's status and event after the run.
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


@pytest.fixture
def run(
    reconciliation: Reconciliation, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, int]]:
    """Runs the schedule while the provider has the payment's intent in the given status."""
    from payments.functions import reconcile

    provider = FakeProvider()
    monkeypatch.setattr(reconcile, "payment_store", lambda: reconciliation.payments)
    monkeypatch.setattr(reconcile, "difference_resolver", lambda: reconciliation.resolver)
    service = PaymentService(reconciliation.payments, provider, lambda: NOW)
    monkeypatch.setattr(reconcile, "payment_service", lambda: service)
    monkeypatch.setattr(lambda_context, "get_remaining_time_in_millis", lambda: 60_000)

    def handle(has: str) -> dict[str, int]:
        provider.intents["pi_1"] = has
        return reconcile.handler(json.loads(EXAMPLE.read_text()), lambda_context)

    return handle


@pytest.mark.parametrize(("begun", "has", "outcome"), HANGING)
def test_an_operation_that_was_cut_short_is_finished(
    reconciliation: Reconciliation,
    run: Callable[[str], dict[str, int]],
    begun: S,
    has: str,
    outcome: tuple[S, str | None],
) -> None:
    reconciliation.store_payment(begun)

    assert run(has)["hanging"] == 1

    ends, published = outcome
    payment = reconciliation.payments.find(ORDER.order_id)
    assert payment and payment.status is ends
    if published is not None:
        assert [event["event_type"] for event in outbox()] == [published]
        assert reconciliation.payments.under_way_since_before(NOW, 10) == []


def test_refunds_of_returns_that_were_cut_short_are_finished_each_under_its_key(
    reconciliation: Reconciliation, run: Callable[[str], dict[str, int]]
) -> None:
    then = NOW - timedelta(hours=1)
    reconciliation.store_payment(PaymentStatus.CAPTURED)
    payment = reconciliation.payments.find(ORDER.order_id)
    assert payment
    for return_id in ("ret_1", "ret_2"):
        amount = Money(amount=700, currency=ORDER.total.currency)
        payment = reconciliation.payments.save(payment.begin_return_refund(return_id, amount, then))
    assert reconciliation.payments.under_way_since_before(NOW, 10) == [ORDER.order_id]

    assert run("succeeded")["hanging"] == 1

    finished = reconciliation.payments.find(ORDER.order_id)
    assert finished and finished.status is PaymentStatus.CAPTURED
    assert all(refund.is_made for refund in finished.return_refunds.values())
    assert [event["event_type"] for event in outbox()] == ["payment.return_refunded"]
    assert reconciliation.payments.under_way_since_before(NOW, 10) == []


def test_a_part_that_went_back_for_a_return_is_not_taken_for_the_whole(
    reconciliation: Reconciliation,
) -> None:
    reconciliation.store_payment(PaymentStatus.CAPTURED)
    reconciliation.provider.has("pi_1", "succeeded", 700)
    # The report was stored before our record of the refund, or a person gave the money back.
    reconciliation.observe(ProviderStatus.PARTIALLY_REFUNDED)
    assert reconciliation.resolver.resolve("pi_1") is Remedy.OPERATOR

    payment = reconciliation.payments.find(ORDER.order_id)
    assert payment
    amount = Money(amount=700, currency=ORDER.total.currency)
    reconciliation.payments.save(payment.begin_return_refund("ret_1", amount, NOW))

    assert reconciliation.resolver.resolve("pi_1") is Remedy.NONE
    assert (reconciliation.resolver.differing(10), reconciliation.provider.commands) == ([], [])


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_only_payments_that_wait_for_the_provider_for_too_long_hang(
    reconciliation: Reconciliation, status: PaymentStatus
) -> None:
    reconciliation.store_payment(status)
    assert reconciliation.payments.under_way_since_before(NOW - timedelta(hours=1), 10) == []
    hanging = reconciliation.payments.under_way_since_before(NOW, 10)
    assert hanging == ([ORDER.order_id] if status.is_under_way else [])
    assert status.is_under_way == status.value.endswith("ing")
