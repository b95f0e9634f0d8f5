"""The money of one order under any sequence of operations, lost answers, late requests and races, as a state machine.

It drives the shipped payment service and the payment's own rules between a store and a provider in memory. At each
outgoing call the next accident may happen. The call fails before its effect, or its answer is lost. Or the call arrives
only later, since a request that timed out may still be on its way. Or another operation of the same order runs to its
end first.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from payments.domain.payment import (
    AlreadyCaptured,
    AlreadyVoided,
    CardDeclined,
    Payment,
    PaymentNotAuthorized,
    PaymentNotCaptured,
    PaymentRefused,
    PaymentStatus,
    ProviderUnavailable,
)
from payments.domain.payment_service import PaymentService
from payments.domain.return_refund import RefundNotCovered
from shared.events import Event
from shared.money import Money
from shared.versioned_table import WriteConflict
from tests.component.saga_orders import saga_order, token_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TOTAL = 2000
ORDER = saga_order()
# The refund of each return, in minor units; all together they are more than was taken.
RETURNS = {"ret_1": 700, "ret_2": 900, "ret_3": 700}
OPERATIONS = st.sampled_from(["authorize", "authorize", "capture", "capture", "void", *RETURNS])
# By the number of an operation's outgoing call: its accident. All other calls go well.
ACCIDENTS = st.dictionaries(
    st.integers(0, 5), st.sampled_from(["lost before", "lost after", "late", "overtaken"]), max_size=2
)
# Which status may follow which; written by hand, so that a change of the table in payments/domain/payment.py shows.
STEPS: dict[PaymentStatus | None, set[PaymentStatus]] = {
    None: {PaymentStatus.AUTHORIZING, PaymentStatus.VOIDED},
    PaymentStatus.AUTHORIZING: {
        PaymentStatus.AUTHORIZED,
        PaymentStatus.DECLINED,
        PaymentStatus.VOIDING,
        PaymentStatus.VOIDED,
    },
    PaymentStatus.AUTHORIZED: {PaymentStatus.CAPTURING, PaymentStatus.VOIDING},
    PaymentStatus.CAPTURING: {PaymentStatus.CAPTURED, PaymentStatus.VOIDING},
    PaymentStatus.CAPTURED: {PaymentStatus.REFUNDING},
    PaymentStatus.VOIDING: {PaymentStatus.VOIDED, PaymentStatus.REFUNDING},
    PaymentStatus.REFUNDING: {PaymentStatus.REFUNDED},
    PaymentStatus.DECLINED: set(),
    PaymentStatus.VOIDED: set(),
    PaymentStatus.REFUNDED: set(),
}
REFUSALS = (
    CardDeclined,
    WriteConflict,
    PaymentNotAuthorized,
    PaymentNotCaptured,
    PaymentRefused,
    AlreadyVoided,
    ProviderUnavailable,
    RefundNotCovered,
    ConnectionError,
)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that starts over after a conflict does so at once."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


class Wire:
    """The way of every outgoing call, and its accidents."""

    def __init__(self) -> None:
        self.accidents: dict[int, str] = {}
        self.calls = 0
        self.intruder: Callable[[], object] = lambda: None
        self.on_their_way: list[Callable[[], object]] = []

    def send[Answer](self, call: Callable[[], Answer], lost: type[Exception], *, may_be_late: bool) -> Answer:
        """The call's answer; raises `lost` where an accident keeps it."""
        accident = self.accidents.pop(self.calls, "none")
        self.calls += 1
        match accident:
            case "lost before":
                raise lost
            case "late" if may_be_late:
                self.on_their_way.append(call)
                raise lost
            case "overtaken":
                self.intruder()
        answer = call()
        if accident == "lost after":
            raise lost
        return answer


class Table:
    """The payments table of one order, with its condition on the version; it keeps every version and event."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.versions: list[Payment] = []
        self.events: list[Event] = []

    def find(self, order_id: str) -> Payment | None:
        return self.versions[-1] if self.versions else None

    def add(self, payment: Payment) -> Payment:
        return self.save(payment)

    def save(self, payment: Payment, events: list[Event] | None = None) -> Payment:
        def write() -> Payment:
            if payment.version != len(self.versions) + 1:
                raise WriteConflict(payment.order_id)
            self.versions.append(payment)
            self.events += events or []
            return payment

        return self._wire.send(write, ConnectionError, may_be_late=False)


class Bank:
    """A provider with intents of manual capture. It repeats no operation under the same key."""

    def __init__(self, wire: Wire, *, declines: bool) -> None:
        self._wire = wire
        self._declines = declines
        self.intents: dict[str, str] = {}
        self.by_key: dict[str, str] = {}
        self.refunds = 0
        # What it gave back for returns, by the key of the request: it knows a key again.
        self.returned: dict[str, int] = {}
        self.captures = 0

    def open(self, amount: Any, *, idempotency_key: str, **_: Any) -> str:
        assert amount.amount == TOTAL

        def act() -> str:
            reference = self.by_key.setdefault(idempotency_key, f"pi_{len(self.by_key)}")
            self.intents.setdefault(reference, "requires_confirmation")
            return reference

        return self._wire.send(act, ProviderUnavailable, may_be_late=True)

    def confirm(self, reference: str, idempotency_key: str) -> None:
        def act() -> None:
            if self.intents[reference] == "requires_confirmation":
                if self._declines:
                    raise CardDeclined("insufficient_funds")
                self.intents[reference] = "requires_capture"
            elif self.intents[reference] != "requires_capture":
                raise PaymentRefused("unexpected_state", intent_status=self.intents[reference])

        self._wire.send(act, ProviderUnavailable, may_be_late=True)

    def capture(self, reference: str, idempotency_key: str) -> None:
        def act() -> None:
            if self.intents[reference] == "requires_capture":
                self.intents[reference] = "succeeded"
                self.captures += 1
            elif self.intents[reference] != "succeeded":
                raise PaymentRefused("unexpected_state", intent_status=self.intents[reference])

        self._wire.send(act, ProviderUnavailable, may_be_late=True)

    def cancel(self, reference: str, idempotency_key: str) -> None:
        def act() -> None:
            if self.intents[reference] in {"succeeded", "refunded"}:
                raise AlreadyCaptured(reference, intent_status="succeeded")
            self.intents[reference] = "canceled"

        self._wire.send(act, ProviderUnavailable, may_be_late=True)

    def refund(self, reference: str, idempotency_key: str, metadata: Any = None) -> None:
        def act() -> None:
            if self.intents[reference] == "succeeded":
                self.intents[reference] = "refunded"
                self.refunds += 1
            elif self.intents[reference] != "refunded":
                raise PaymentRefused("nothing_to_refund", intent_status=self.intents[reference])

        self._wire.send(act, ProviderUnavailable, may_be_late=True)

    def refund_part(self, reference: str, amount: Money, idempotency_key: str, **_: Any) -> None:
        def act() -> None:
            if self.intents[reference] != "succeeded":
                raise PaymentRefused("nothing_to_refund", intent_status=self.intents[reference])
            assert self.returned.get(idempotency_key, amount.amount) == amount.amount
            self.returned[idempotency_key] = amount.amount

        self._wire.send(act, ProviderUnavailable, may_be_late=True)

    def with_money(self) -> list[str]:
        """The intents that hold or took money and did not give it back."""
        return [
            reference
            for reference, status in self.intents.items()
            if status in {"requires_capture", "succeeded"}
        ]


class PaymentMachine(RuleBasedStateMachine):
    """One order's payment; `declines` is the customer's bank, the same for the whole run."""

    declines = False

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.table = Table(self.wire)
        self.bank = Bank(self.wire, declines=self.declines)
        self.payment_service = PaymentService(self.table, self.bank, lambda: NOW)  # type: ignore[arg-type]
        self.was_void = False
        self.answers: set[str] = set()

    @rule(operation=OPERATIONS, accidents=ACCIDENTS, intruder=OPERATIONS)
    def operate(self, operation: str, accidents: dict[int, str], intruder: str) -> None:
        self.wire.accidents, self.wire.calls = dict(accidents), 0
        self.wire.intruder = lambda: self._intrude(intruder)
        try:
            payment = self._run(operation)
        except REFUSALS as refusal:
            if operation == "void" and (isinstance(refusal, PaymentRefused) or not accidents):
                raise  # a void is always right, and answered unless an accident keeps the answer
            return
        finally:
            self.wire.accidents = {}
        self._check_answer(operation, payment)

    @rule(which=st.integers(0, 9))
    def a_late_request_arrives(self, which: int) -> None:
        if self.wire.on_their_way:
            with suppress(*REFUSALS):
                self.wire.on_their_way.pop(which % len(self.wire.on_their_way))()

    def _intrude(self, operation: str) -> None:
        kept, self.wire.accidents = self.wire.accidents, {}
        with suppress(*REFUSALS):
            self._check_answer(operation, self._run(operation))
        self.wire.accidents = kept

    def _run(self, operation: str) -> Payment:
        match operation:
            case "authorize":
                return self.payment_service.authorize(ORDER, token_of)
            case "capture":
                return self.payment_service.capture(ORDER.order_id)
            case "void":
                return self.payment_service.void(ORDER)
        amount = Money(amount=RETURNS[operation], currency=ORDER.total.currency)
        return self.payment_service.refund_return(ORDER.order_id, operation, amount)

    def _check_answer(self, operation: str, payment: Payment) -> None:
        match operation:
            case "authorize" | "capture":
                assert not self.was_void, "nothing is authorized or captured after a void was answered"
            case "void":
                assert payment.status in {
                    PaymentStatus.VOIDED,
                    PaymentStatus.REFUNDED,
                    PaymentStatus.DECLINED,
                }
                self.was_void = True
            case _:
                assert payment.return_refunds[operation].is_made
                assert self.bank.returned[f"{operation}:refund"] == RETURNS[operation]

    @invariant()
    def nobody_is_charged_twice(self) -> None:
        assert len(self.bank.with_money()) <= 1, "one order holds or takes its total once"
        assert self.bank.captures <= 1 and self.bank.refunds <= self.bank.captures

    @invariant()
    def no_more_is_given_back_for_returns_than_was_taken(self) -> None:
        assert sum(self.bank.returned.values()) <= self.bank.captures * TOTAL

    @invariant()
    def nobody_is_charged_without_an_order(self) -> None:
        if self.was_void:
            assert not self.bank.with_money(), (
                "after a void was answered no money is held, whatever arrives later"
            )

    @invariant()
    def no_money_is_held_that_the_records_do_not_lead_to(self) -> None:
        for reference in self.bank.with_money():
            payment = self.table.find(ORDER.order_id)
            assert payment is not None and payment.provider_reference == reference
            assert payment.may_hold_money, "what may hold money says so, so that it can be undone"

    @invariant()
    def what_the_records_say_is_so_at_the_provider(self) -> None:
        payment = self.table.find(ORDER.order_id)
        if payment is None:
            return
        status = self.bank.intents.get(payment.provider_reference or "")
        said: dict[PaymentStatus, set[str | None]] = {
            PaymentStatus.AUTHORIZED: {"requires_capture"},
            PaymentStatus.CAPTURED: {"succeeded"},
            PaymentStatus.DECLINED: {"requires_confirmation"},
            PaymentStatus.VOIDED: {None, "canceled"},
            PaymentStatus.REFUNDED: {"refunded"},
        }
        assert status in said.get(payment.status, {status})

    @invariant()
    def a_status_follows_only_as_the_transitions_allow(self) -> None:
        statuses: list[PaymentStatus | None] = [None, *(payment.status for payment in self.table.versions)]
        for before, after in pairwise(statuses):
            assert after is not None
            assert after is before or after in STEPS[before], f"{before} to {after}"

    @invariant()
    def each_event_is_published_once(self) -> None:
        published = [
            f"{event.event_type} {event.data.get('return_id', '')}".strip() for event in self.table.events
        ]
        assert len(published) == len(set(published))
        assert len({event.event_id for event in self.table.events}) == len(published)
        assert not {"payment.captured", "payment.voided"} <= set(published), (
            "what was taken is refunded, not voided"
        )


class DeclinedMachine(PaymentMachine):
    """The same with a bank that refuses the card."""

    declines = True


_BOUNDED = settings(max_examples=300, stateful_step_count=8, deadline=None)
PaymentMachine.TestCase.settings = _BOUNDED
DeclinedMachine.TestCase.settings = settings(_BOUNDED, max_examples=60)
TestPayment = PaymentMachine.TestCase
TestDeclinedPayment = DeclinedMachine.TestCase
