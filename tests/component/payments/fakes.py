"""A payment provider in memory that loses answers and is overtaken, and the events in the payments table."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from payments.domain.intent import Intent
from payments.domain.payment import AlreadyCaptured, PaymentRefused
from shared.aws import client
from shared.money import Money
from tests.component.saga_orders import saga_order

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORDER = saga_order()


class FakeProvider:
    """A provider in memory. `before` and `after` run around the named operation, to fail it or to overtake it."""

    def __init__(self) -> None:
        self.intents: dict[str, str] = {}
        self.before: dict[str, Callable[[], None]] = {}
        self.after: dict[str, Callable[[], None]] = {}
        self.calls: list[str] = []
        # Minor units by the return that they were given back for.
        self.returned: dict[str, int] = {}

    def open(
        self, amount: Money, payment_method: str, metadata: Mapping[str, str], idempotency_key: str
    ) -> str:
        return self._do("open", "pi_1", "requires_confirmation", idempotency_key)

    def confirm(self, reference: str, idempotency_key: str) -> None:
        self._do("confirm", reference, "requires_capture", idempotency_key)

    def cancel(self, reference: str, idempotency_key: str) -> None:
        self._do("cancel", reference, "canceled", idempotency_key)

    def capture(self, reference: str, idempotency_key: str) -> None:
        self._do("capture", reference, "succeeded", idempotency_key)

    def refund(self, reference: str, idempotency_key: str, metadata: Any = None) -> None:
        self._do("refund", reference, "refunded", idempotency_key)

    def refund_part(
        self,
        reference: str,
        amount: Money,
        metadata: Mapping[str, str],
        idempotency_key: str,
        *,
        asked_before: bool,
    ) -> None:
        self._do("refund_part", reference, "succeeded", idempotency_key)
        assert asked_before or metadata["return_id"] not in self.returned
        self.returned[metadata["return_id"]] = amount.amount

    def retrieve(self, reference: str) -> Intent:
        return Intent(reference, self.intents[reference], ORDER.total.amount, 0)

    def _do(self, operation: str, reference: str, status: str, key: str) -> str:
        self.calls.append(key)
        self.before.pop(operation, lambda: None)()
        now = self.intents.get(reference)
        if (operation == "confirm" and now not in {"requires_confirmation", "requires_capture"}) or (
            operation == "capture" and now not in {"requires_capture", "succeeded"}
        ):
            raise PaymentRefused("payment_intent_unexpected_state", intent_status=now)
        if operation == "cancel" and now == "succeeded":
            raise AlreadyCaptured(reference, intent_status=now)
        assert "refund" not in operation or now in {"succeeded", "refunded"}
        self.intents[reference] = status
        self.after.pop(operation, lambda: None)()
        return reference


def fails_with(error: Exception) -> Callable[[], None]:
    """Fails an operation of the provider with `error`."""

    def fail() -> None:
        raise error

    return fail


def outbox() -> list[dict[str, Any]]:
    """The events of the payment's last change."""
    item = client("dynamodb").get_item(TableName="payments", Key={"pk": {"S": ORDER.order_id}})["Item"]
    return [json.loads(entry["S"]) for entry in item["outbox"]["L"]]
