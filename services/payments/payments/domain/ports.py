"""The collaborators of the domain services, as the domain needs them; `payments.adapters` implements them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from payments.domain.intent import Intent
from payments.domain.payment import Payment
from shared.events import Event
from shared.money import Money

if TYPE_CHECKING:
    from payments.domain.observation import Observation


class PaymentRepository(Protocol):
    """The payments, one an order. Each write raises WriteConflict if another writer changed the payment first."""

    def find(self, order_id: str) -> Payment | None:
        """The order's payment, as last written, or None."""

    def add(self, payment: Payment) -> Payment:
        """Stores the order's first payment."""

    def save(self, payment: Payment, events: list[Event] | None = None) -> Payment:
        """Stores the next version of a payment, and publishes its events."""

    def republish(self, payment: Payment, event: Event) -> None:
        """Publishes an event of the payment once more; the payment stays as it is."""


class ObservationRepository(Protocol):
    """The provider's latest statement on each intent. A write raises WriteConflict unless it is the next version."""

    def last(self, reference: str) -> "Observation | None":
        """The last observation of an intent, or None."""

    def record(self, event_id: str, observation: "Observation | None", now: int) -> bool:
        """Stores the event's id and its observation, if it brings one; False if the event was recorded before."""

    def save(self, observation: "Observation") -> None:
        """Stores the next version of an intent's observation."""

    def differing(self, limit: int) -> list[str]:
        """The references of up to `limit` intents that do not match our payments, the oldest first."""


class PaymentProvider(Protocol):
    """The payment provider. A repeated command with the same idempotency key has no second effect.

    Every operation may raise ProviderUnavailable (the effect is unknown; another try is safe) and PaymentRefused.
    """

    def open(
        self, amount: Money, payment_method: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> str:
        """Opens an intent, which holds nothing yet, and returns its reference. Raises CardDeclined."""

    def confirm(self, reference: str, idempotency_key: str) -> None:
        """Holds the intent's money. Raises CardDeclined."""

    def capture(self, reference: str, idempotency_key: str) -> None:
        """Takes the money that the intent holds. Raises CardDeclined."""

    def cancel(self, reference: str, idempotency_key: str) -> None:
        """Releases the money that the intent holds, permanently. Raises AlreadyCaptured."""

    def refund(
        self, reference: str, idempotency_key: str, metadata: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Gives back all of the money that the intent took. Reports on the refund carry `metadata`."""

    def refund_part(
        self,
        reference: str,
        amount: Money,
        metadata: Mapping[str, str],
        idempotency_key: str,
        *,
        asked_before: bool,
    ) -> None:
        """Gives back `amount` of the money that the intent took, once for the `metadata`, however often it is called.

        `asked_before` says that an earlier call may have had its effect: the provider forgets keys after a day.
        """

    def retrieve(self, reference: str) -> Intent:
        """The intent as the provider has it now."""
