"""The rules of an order's returns; no AWS, no clock, no I/O.

All returns of an order are one aggregate, so that no two of them take the same piece. They change only through the
methods of `OrderReturns`. Each of them returns the changed aggregate with its events, or refuses. If there is nothing
to change, it returns the same aggregate and no event. `transitions.TRANSITIONS` says which status allows which change.

No schedule ends a return that never arrives. Each change first expires the returns whose time is over (`as_of`), and
each reader looks at them as of now.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from returns.domain import events
from returns.domain.pieces import BoughtLine, PieceLine, Pieces, lines_of, pieces_in, refund_for, value_of
from returns.domain.policy import ReturnPolicy
from returns.domain.status import (
    CannotBeChanged,
    IdempotencyKeyReused,
    MoreThanAnnounced,
    MoreThanBought,
    NotInOrder,
    RefundUnexpected,
    RefusalReason,
    ReturnReason,
    ReturnStatus,
    ReturnUnknown,
    TooManyReturns,
)
from returns.domain.transitions import TRANSITIONS, Command
from shared.clock import timestamp
from shared.errors import FieldError
from shared.events import Event
from shared.money import Money
from shared.record import Personal, Record

MAX_RETURNS = 20
"""Returns of one order, withdrawn and refused ones included. They share one item, which has a limited size."""

# Return ids derive from this, the order and the idempotency key (RFC 9562, version 5); it must never change.
_RETURN_ID_NAMESPACE = UUID("9c0f4b3e-6f0a-5a51-8a3e-52d1f7c4b6aa")


class StatusChange(Record):
    """An entry of a return's history."""

    status: ReturnStatus
    at: str


class Findings(Record):
    """The outcome of an inspection. The customer gets the money for `restocked` and `written_off` pieces."""

    restocked: list[PieceLine]
    written_off: list[PieceLine]
    not_accepted: list[PieceLine]

    @property
    def accepted(self) -> Counter[str]:
        """The pieces that the shop pays back."""
        return pieces_in(self.restocked, self.written_off)

    @property
    def arrived(self) -> Counter[str]:
        """All pieces that were inspected."""
        return pieces_in(self.restocked, self.written_off, self.not_accepted)


class Return(Record):
    """Some pieces of an order that come back. `expires_at` is when an accepted return ends without them."""

    return_id: str
    status: ReturnStatus
    reason: ReturnReason
    lines: list[PieceLine]
    history: list[StatusChange]
    correlation_id: str
    refusal: RefusalReason | None = None
    expires_at: str | None = None
    tracking_reference: str | None = None
    findings: Findings | None = None
    refund: Money | None = None

    @property
    def since(self) -> str:
        """When it came into its status."""
        return self.history[-1].at

    @property
    def accepted(self) -> Counter[str]:
        """The pieces that the shop pays back, as the inspection said."""
        return self.findings.accepted if self.findings else Counter()

    @property
    def held(self) -> Counter[str]:
        """The pieces that no other return can have: the announced ones, and after the inspection the arrived ones."""
        if self.findings:
            return self.findings.arrived
        return Counter() if self.status.is_final else pieces_in(self.lines)

    def is_overdue(self, now: datetime) -> bool:
        """Whether its pieces should have arrived by now."""
        return self.status.awaits_parcel and self.expires_at is not None and self.expires_at < timestamp(now)

    def require(self, command: Command) -> ReturnStatus:
        """The status that `command` leads to; raises CannotBeChanged."""
        status = TRANSITIONS[command].get(self.status)
        if status is None:
            raise CannotBeChanged(
                f"The return is {self.status.value}, which does not allow: {command.value}."
            )
        return status

    def changed(self, command: Command, at: str, **values: Any) -> Self:
        """The return in the status that `command` leads to; raises CannotBeChanged."""
        status = self.require(command)
        history = [*self.history, StatusChange(status=status, at=at)]
        return self.model_copy(update={"status": status, "history": history, **values})


class OrderReturns(Record):
    """A fulfilled order as it was bought, and all its returns. `version` counts the changes and orders the events."""

    order_id: str
    customer_id: Annotated[str, Personal.ACCOUNT_ID]
    bought: list[BoughtLine]
    shipping: Money
    fulfilled_at: str
    version: int = 1
    returns: list[Return] = field(default_factory=list)

    @property
    def returnable(self) -> Counter[str]:
        """The pieces that are in no return yet."""
        return self._free_beside(None)

    def as_of(self, now: datetime) -> tuple[Self, list[Event]]:
        """The returns with those expired whose pieces should have arrived by `now`."""
        changed, published = self, list[Event]()
        for entry in self.returns:
            if entry.is_overdue(now):
                changed, expired = changed._moved(entry, Command.EXPIRE, now, events.ReturnExpired)
                published += expired
        return changed, published

    # The customer asks.

    def request(
        self,
        return_id: str,
        pieces: Pieces,
        reason: ReturnReason,
        policy: ReturnPolicy,
        *,
        correlation_id: str,
        now: datetime,
    ) -> tuple[Self, list[Event]]:
        """The customer wants to return `pieces`. The policy may accept that at once. A repeat changes nothing.

        Raises NotInOrder, MoreThanBought, ReturnPeriodOver or TooManyReturns. Raises IdempotencyKeyReused if another
        return has this id.
        """
        known = next((entry for entry in self.returns if entry.return_id == return_id), None)
        if known is not None:
            if (pieces_in(known.lines), known.reason) != (Counter(pieces), reason):
                raise IdempotencyKeyReused(
                    "This Idempotency-Key was used with another body before; use a new key for a new return."
                )
            return self, []
        current, published = self.as_of(now)
        self._check_names(pieces, self._bought, "the order")
        policy.check_period(datetime.fromisoformat(self.fulfilled_at), now)
        current._check_free(pieces, current.returnable)
        if len(self.returns) >= MAX_RETURNS:
            raise TooManyReturns(f"An order can have {MAX_RETURNS} returns.")
        requested = Return(
            return_id=return_id,
            status=ReturnStatus.REQUESTED,
            reason=reason,
            lines=lines_of(pieces),
            history=[StatusChange(status=ReturnStatus.REQUESTED, at=timestamp(now))],
            correlation_id=correlation_id,
        )
        changed = current._with(requested)
        published = [*published, changed._fact(events.ReturnRequested, requested, now, reason=reason.value)]
        held = sum((entry.held for entry in changed.returns), Counter[str]())
        if policy.accepts_at_once(value_of(held, self.bought, self.shipping.currency)):
            changed, accepted = changed.accept(return_id, policy, now)
            published += accepted
        return changed, published

    def withdraw(self, return_id: str, now: datetime) -> tuple[Self, list[Event]]:
        """The customer keeps the pieces after all. A repeat changes nothing. Raises ReturnUnknown, CannotBeChanged."""
        current, published = self.as_of(now)
        entry = current.find(return_id)
        if entry.status is ReturnStatus.WITHDRAWN:
            return current, published
        return current._after(published, entry, Command.WITHDRAW, now, events.ReturnWithdrawn)

    def withdraw_undecided(self, now: datetime) -> tuple[Self, list[Event]]:
        """The customer's account is closed, so nobody waits for a decision any more. A repeat changes nothing."""
        changed, published = self, list[Event]()
        for entry in self.returns:
            if entry.status is ReturnStatus.REQUESTED:
                changed, withdrawn = changed.withdraw(entry.return_id, now)
                published += withdrawn
        return changed, published

    # An operator decides.

    def accept(self, return_id: str, policy: ReturnPolicy, now: datetime) -> tuple[Self, list[Event]]:
        """The shop takes the pieces back. A repeat changes nothing. Raises ReturnUnknown, CannotBeChanged."""
        current, published = self.as_of(now)
        entry = current.find(return_id)
        if entry.status.awaits_parcel:
            return current, published
        expires_at = timestamp(policy.until(now))
        return current._after(
            published, entry, Command.ACCEPT, now, events.ReturnAccepted, expires_at=expires_at
        )

    def refuse(self, return_id: str, refusal: RefusalReason, now: datetime) -> tuple[Self, list[Event]]:
        """The shop does not take the pieces back. A repeat changes nothing. Raises ReturnUnknown, CannotBeChanged."""
        current, published = self.as_of(now)
        entry = current.find(return_id)
        if entry.refusal is refusal:
            return current, published
        return current._after(
            published,
            entry,
            Command.REFUSE,
            now,
            events.ReturnRefused,
            facts={"refusal": refusal.value},
            refusal=refusal,
        )

    def inspect(self, return_id: str, findings: Findings, now: datetime) -> tuple[Self, list[Event]]:
        """The pieces arrived. The shop pays the accepted ones back, and restocks them or writes them off.

        A repeat changes nothing. A return that expired can be inspected, too, unless another one has its pieces by now.
        Raises ReturnUnknown, NotInOrder, MoreThanAnnounced, MoreThanBought, CannotBeChanged.
        """
        current, published = self.as_of(now)
        entry = current.find(return_id)
        if entry.findings == findings:
            return current, published
        entry.require(Command.INSPECT)
        announced = pieces_in(entry.lines)
        self._check_names(findings.arrived, announced, "the return")
        if more := sorted(sku for sku, quantity in findings.arrived.items() if quantity > announced[sku]):
            raise MoreThanAnnounced(f"More pieces than the return announced: {', '.join(more)}.")
        current._check_free(findings.arrived, current._free_beside(return_id))
        accepted_before = sum((other.accepted for other in current.returns), Counter[str]())
        refund = refund_for(findings.accepted, accepted_before, self.bought, self.shipping)
        return current._after(
            published,
            entry,
            Command.INSPECT if refund.amount else Command.CLOSE,
            now,
            events.ReturnInspected,
            facts={"restocked": findings.restocked, "written_off": findings.written_off, "refund": refund},
            findings=findings,
            refund=refund,
        )

    # Shipping and payments do their part. Their events may come late and more than once.

    def record_label(
        self, return_id: str, tracking_reference: str, now: datetime
    ) -> tuple[Self, list[Event]]:
        """The carrier's label is booked. Changes nothing unless the return waits for one. Raises ReturnUnknown."""
        current, published = self.as_of(now)
        entry = current.find(return_id)
        if entry.status is not ReturnStatus.ACCEPTED:
            return current, published
        return current._after(
            published,
            entry,
            Command.LABEL,
            now,
            events.ReturnLabelled,
            facts={"tracking_reference": tracking_reference},
            tracking_reference=tracking_reference,
        )

    def record_refund(self, return_id: str, amount: Money, now: datetime) -> tuple[Self, list[Event]]:
        """The money was paid back. A repeat changes nothing. Raises ReturnUnknown, RefundUnexpected."""
        entry = self.find(return_id)
        if not entry.status.is_inspected or entry.refund != amount:
            raise RefundUnexpected(
                f"return {return_id} of order {self.order_id} is {entry.status.value} and awaits "
                f"{entry.refund}, not {amount}"
            )
        if entry.status is ReturnStatus.REFUNDED:
            return self, []
        return self._moved(entry, Command.REFUND, now, events.ReturnRefunded, facts={"refund": amount})

    def find(self, return_id: str) -> Return:
        """The return of this id; raises ReturnUnknown."""
        for entry in self.returns:
            if entry.return_id == return_id:
                return entry
        raise ReturnUnknown

    # How a change is made.

    @property
    def _bought(self) -> Counter[str]:
        return Counter({line.sku: line.quantity for line in self.bought})

    def _free_beside(self, return_id: str | None) -> Counter[str]:
        """The pieces that no return but this one holds."""
        others = (entry.held for entry in self.returns if entry.return_id != return_id)
        return self._bought - sum(others, Counter[str]())

    @staticmethod
    def _check_names(pieces: Pieces, known: Pieces, owner: str) -> None:
        errors = [
            FieldError(f"/body/lines/{position}/sku", f"{owner} has no such product")
            for position, sku in enumerate(pieces)
            if sku not in known
        ]
        if errors:
            raise NotInOrder(f"A line names a product that {owner} does not have.", errors)

    @staticmethod
    def _check_free(pieces: Pieces, free: Pieces) -> None:
        errors = [
            FieldError(f"/body/lines/{position}/quantity", f"{free.get(sku, 0)} can be returned")
            for position, (sku, quantity) in enumerate(pieces.items())
            if quantity > free.get(sku, 0)
        ]
        if errors:
            raise MoreThanBought("The order has fewer pieces that are in no other return.", errors)

    def _after(
        self, published: list[Event], entry: Return, *how: Any, **more: Any
    ) -> tuple[Self, list[Event]]:
        """As `_moved`, with the events of earlier changes in front."""
        changed, moved = self._moved(entry, *how, **more)
        return changed, [*published, *moved]

    def _moved(
        self,
        entry: Return,
        command: Command,
        now: datetime,
        kind: type[events.ReturnFacts],
        *,
        facts: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> tuple[Self, list[Event]]:
        """The next version, in which `command` has changed the return; and the event of this `kind`."""
        # A return expires at the same time for each reader and writer.
        at = entry.expires_at if command is Command.EXPIRE and entry.expires_at else timestamp(now)
        moved = entry.changed(command, at, **values)
        changed = self._with(moved)
        return changed, [changed._fact(kind, moved, now, **(facts or {}))]

    def _with(self, entry: Return) -> Self:
        known = entry.return_id in {other.return_id for other in self.returns}
        renewed = (
            [entry if other.return_id == entry.return_id else other for other in self.returns]
            if known
            else [*self.returns, entry]
        )
        return self.model_copy(update={"returns": renewed, "version": self.version + 1})

    def _fact(self, kind: type[events.ReturnFacts], entry: Return, now: datetime, **more: Any) -> Event:
        payload = kind(
            return_id=entry.return_id,
            order_id=self.order_id,
            customer_id=self.customer_id,
            status=entry.status.value,
            lines=entry.lines,
            **more,
        )
        return Event.of(
            payload,
            aggregate_id=f"returns-{self.order_id}",
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=entry.correlation_id,
        )


def return_id_for(order_id: str, idempotency_key: str) -> str:
    """The id of the return that is requested for the order under `idempotency_key`: the same at every retry."""
    return f"ret_{uuid5(_RETURN_ID_NAMESPACE, f'{order_id}:{idempotency_key}').hex}"
