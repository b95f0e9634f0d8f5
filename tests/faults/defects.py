"""Defects that the harness must find: each is put into a copy of the repository, whose schedules then must not hold.

A defect is a few words of one shipped file; `Defect.plant` fails when the file no longer has them, so the list cannot
fall behind the code unnoticed.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults import ROOT

_COPIED = ("services", "shared_layer", "statemachines", "tests", "tools", "events", "template.yaml")


@dataclass(frozen=True)
class Defect:
    """A mistake: what of `file` reads how. `scenarios` are where it shows."""

    name: str
    file: str
    right: str
    wrong: str
    scenarios: tuple[str, ...]
    # How many events it takes until it shows.
    events: int = 1

    def plant(self, repository: Path) -> None:
        """Makes the mistake in the copy at `repository`."""
        path = repository / self.file
        text = path.read_text()
        if text.count(self.right) != 1:
            raise LookupError(f"{self.name}: {self.file} has not exactly one place that reads {self.right!r}")
        path.write_text(text.replace(self.right, self.wrong))


_PAYMENT_SERVICE = "services/payments/payments/domain/payment_service.py"
_SAGA, _UNDO = "statemachines/order_saga.asl.json", "statemachines/order_cancellation.asl.json"
DEFECTS = (
    Defect(
        "a reservation that does not check the available stock",
        "services/inventory/inventory/adapters/reservation_store.py",
        '                "available >= :quantity",\n',
        '                "attribute_exists(pk)",\n',
        ("out-of-stock",),
    ),
    Defect(
        "a reservation without the condition that it is the first",
        "services/inventory/inventory/adapters/reservation_store.py",
        "self._table.new(made)",
        "{'Put': {'TableName': self._table.name, 'Item': self._table.new(made)['Put']['Item']}}",
        ("good",),
    ),
    Defect(
        "a release that leaves no tombstone for a late reservation",
        "services/inventory/inventory/adapters/reservation_store.py",
        "return self._put_tombstone(Reservation.tombstone(order_id, correlation_id))",
        "return Reservation.tombstone(order_id, correlation_id)",
        ("good",),
    ),
    Defect(
        "money held before its reference is stored",
        "services/payments/payments/domain/payment_service.py",
        """                payment = self._payments.save(payment.opened(reference, self._now()))
            self._provider.confirm(reference, idempotency_key=f"{order.order_id}:authorize")
""",
        """                self._provider.confirm(reference, idempotency_key=f"{order.order_id}:authorize")
                payment = self._payments.save(payment.opened(reference, self._now()))
            self._provider.confirm(reference, idempotency_key=f"{order.order_id}:authorize")
""",
        ("good",),
    ),
    Defect(
        "a void that takes silence for success",
        "services/payments/payments/adapters/provider.py",
        "            if not was_done(self._retrieve(reference, ends_at, with_refunds=with_refunds)):\n",
        "            if False:\n",
        ("unserved",),
    ),
    Defect(
        "a payment saved over another writer's change",
        "services/payments/payments/adapters/payment_store.py",
        "        self._table.put(_item(payment, events or []), replaces=payment.version - 1)\n",
        """        put = self._table.new(_item(payment, events or []))["Put"]
        self._table.dynamodb.put_item(TableName=put["TableName"], Item=put["Item"])
""",
        ("good",),
    ),
    Defect(
        "a shipment created over its cancellation",
        "services/shipping/shipping/adapters.py",
        "        creation = self._table.new(item)\n",
        """        creation = self._table.new(item)
        del creation["Put"]["ConditionExpression"]
""",
        ("good",),
    ),
    Defect(
        "an order changed without looking whether it changed meanwhile",
        "services/orders/orders/adapters/order_store.py",
        "            self._table.put(order_item(changed, events), replaces=order.version)\n",
        """            self._table.dynamodb.put_item(
                TableName=self._table.name, Item=to_item(order_item(changed, events))
            )
""",
        ("cancel",),
    ),
    Defect(
        "a confirmation of an order that is being undone",
        "services/orders/orders/domain/transitions.py",
        "Command.CONFIRM: {_PLACED: _CONFIRMED},",
        "Command.CONFIRM: {_PLACED: _CONFIRMED, _ABANDONED: _CONFIRMED, _CANCELLING: _CONFIRMED},",
        ("twice",),
    ),
    Defect(
        "an abandonment that overrules another saga's confirmation",
        "services/orders/orders/domain/order.py",
        """        if self.status is not OrderStatus.PLACED:
            return self, []
        abandoned = self._changed(Command.ABANDON, now, failed_because=reason)
""",
        """        if self.status in {OrderStatus.ABANDONED, OrderStatus.CANCELLING}:
            return self, []
        update = {"status": OrderStatus.ABANDONED, "version": self.version + 1, "failed_because": reason}
        abandoned = self.model_copy(update=update)
""",
        ("twice",),
    ),
    Defect(
        "an abandonment that publishes no event",
        "services/orders/orders/domain/order.py",
        "return abandoned, [abandoned._fact(events.OrderAbandoned, now)]",
        "return abandoned, []",
        ("unserved",),
    ),
    Defect(
        "a reconciler that starts the saga of a placed order again and again",
        "services/orders/orders/domain/stuck_orders.py",
        "if order.is_reminded or not order.awaits_its_saga:",
        "if not order.awaits_its_saga:",
        ("out-of-stock",),
    ),
    Defect(
        "an order's id that is not derived from the idempotency key",
        "services/orders/orders/domain/order.py",
        "f'{customer_id}:{idempotency_key}').hex}",
        "f'{customer_id}:{datetime.now().isoformat()}').hex}",
        ("good",),
    ),
    Defect(
        "a cancellation that publishes no event",
        "services/orders/orders/domain/order.py",
        "return cancelling, [cancelling._fact(events.OrderCancellationRequested, now, by=by)]",
        "return cancelling, []",
        ("cancel",),
    ),
    Defect(
        "a parked order without its state",
        "services/orders/orders/functions/steps.py",
        'state = json.dumps(given.state, ensure_ascii=False, separators=(",", ":"))',
        'state = "{}"',
        ("unserved",),
    ),
    Defect(
        "a relay that ignores the entries that SNS did not take",
        "shared_layer/shared/relay.py",
        "    if for_now:\n",
        "    if for_now and not change.events:\n",
        ("good",),
    ),
    Defect(
        "a consumer that takes a failed message for done",
        "shared_layer/shared/consumer.py",
        'message_id=message["messageId"])\n            raise\n',
        'message_id=message["messageId"])\n',
        ("good",),
    ),
    Defect(
        "a mail without an idempotency record",
        "services/notifications/notifications/functions/send_mail.py",
        "    sent_mails().once(event.event_id, lambda: _send(notification, event))\n",
        "    _send(notification, event)\n",
        ("good",),
    ),
    Defect(
        "a catch that knows its errors by name, and no timeouts",
        _SAGA,
        """          "ErrorEquals": [
            "States.ALL"
          ],
          "ResultPath": "$.error",
          "Next": "AbandonOrder"
        }
      ],
      "Next": "CreateShipment"
""",
        """          "ErrorEquals": [
            "CardDeclined", "PaymentRefused", "AlreadyVoided", "ProviderUnavailable", "WriteConflict"
          ],
          "ResultPath": "$.error",
          "Next": "AbandonOrder"
        }
      ],
      "Next": "CreateShipment"
""",
        ("good",),
    ),
    Defect(
        "a compensation that stops at the first error",
        _UNDO,
        """          "ResultPath": "$.void_payment_error",
          "Next": "ReleaseStock"
""",
        """          "ResultPath": "$.void_payment_error",
          "Next": "ParkOrder"
""",
        ("unserved",),
    ),
    Defect(
        "a parcel that cannot be cancelled and stops the other compensations, though it was never confirmed",
        _UNDO,
        '"BooleanEquals": false',
        '"BooleanEquals": true',
        ("unserved",),
    ),
    Defect(
        "a failed compensation that no state checks",
        _UNDO,
        """            {
              "Variable": "$.void_payment_error",
              "IsPresent": true
            },
""",
        "",
        ("cancel",),
    ),
    Defect(
        "a resumption under the name of the execution that failed",
        "services/orders/orders/domain/order.py",
        'return f"{self.order_id}-{self.resumptions}" if self.resumptions else self.order_id',
        "return self.order_id",
        ("cancel",),
    ),
    Defect(
        "a reconciler that leaves an order whose execution ended",
        "services/orders/orders/domain/stuck_orders.py",
        "    change_if_unchanged(lambda current: current.take_over(now))\n",
        "",
        ("out-of-stock",),
        events=2,
    ),
    Defect(
        "a reconciler that does not park an order that it cannot undo",
        "services/orders/orders/domain/stuck_orders.py",
        "        change_if_unchanged(lambda current: current.park(json.dumps(state), now))\n",
        "",
        ("out-of-stock",),
        events=2,
    ),
    Defect(
        "an erasure that leaves a parcel without its address to be sent",
        "services/shipping/shipping/domain/shipment.py",
        "        if self.status is not ShipmentStatus.CREATED:\n",
        "        if self.status is not None:\n",
        ("leave",),
    ),
    Defect(
        "an erasure that leaves the order to be fulfilled",
        "services/orders/orders/domain/order.py",
        "        if erased.parcel_is_gone or erased.status not in TRANSITIONS[Command.REQUEST_CANCELLATION]:\n",
        "        if erased.status in OrderStatus:\n",
        ("leave",),
    ),
    Defect(
        "a refund of a return under a new key at each try",
        _PAYMENT_SERVICE,
        'f"{return_id}:refund"',
        'f"{return_id}:refund:{self._now()}"',
        ("return",),
    ),
    Defect(
        "a refund of a return under the key of its order",
        _PAYMENT_SERVICE,
        'f"{return_id}:refund"',
        'f"{order_id}:refund"',
        ("returns",),
    ),
    Defect(
        "a refund of a return that gives all of the money back",
        "services/payments/payments/adapters/provider.py",
        '"amount": str(amount.amount), **_fields_of',
        "**_fields_of",
        ("return",),
    ),
    Defect(
        "a refund of a return that drops the refund of another",
        "services/payments/payments/domain/return_refund.py",
        "return {**refunds, return_id:",
        "return {return_id:",
        ("returns",),
    ),
    Defect(
        "a refund that was made, and is asked for once more",
        _PAYMENT_SERVICE,
        "elif refund.is_made:",
        "elif False:",
        ("return-again",),
    ),
    Defect(
        "a part that is taken for all of the money",
        "services/payments/payments/domain/payment.py",
        '"return_refunded": _from(_S.CAPTURED, to=_S.CAPTURED)',
        '"return_refunded": _from(_S.CAPTURED, to=_S.REFUNDED)',
        ("return",),
    ),
    Defect(
        "a refund of a return that is given up if the provider does not answer",
        "services/payments/payments/functions/capture.py",
        """        payment_service().refund_return(inspected.order_id, inspected.return_id, inspected.refund)
""",
        """        try:
            payment_service().refund_return(inspected.order_id, inspected.return_id, inspected.refund)
        except Exception:
            return
""",
        ("return",),
    ),
    Defect(
        "a failed refund of a return that is no issue",
        "services/payments/payments/domain/report.py",
        "        if issue\n",
        "        if issue and not reports[subject].return_id\n",
        ("return-bounces",),
    ),
    Defect(
        "an order that drops one return when it learns of another",
        "services/orders/orders/domain/order.py",
        "returned={**self.returned, return_id: after}",
        "returned={return_id: after}",
        ("returns",),
    ),
)


def hunt(defect: Defect) -> tuple[bool, str]:
    """Whether the harness finds `defect`, and the first violation (or what went wrong with the hunt)."""
    with tempfile.TemporaryDirectory(prefix="defect-") as folder:
        copy = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".venv*"))
            else:
                shutil.copy(source, copy / name)
        defect.plant(copy)
        run = subprocess.run(  # noqa: S603 - ourselves, on the copy
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "tests.faults",
                "first",
                *defect.scenarios,
                f"--events={defect.events}",
            ],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    # It prints the schedule that does not hold. A harness that breaks off has found nothing, and ends with 1 as well.
    return run.returncode == 1 and bool(run.stdout), (run.stdout or run.stderr).strip()


def hunt_all(workers: int) -> int:
    """Hunts every defect, prints what comes of it, and returns how many were not found."""
    missed, began = 0, time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        for defect, (found, said) in zip(DEFECTS, pool.map(hunt, DEFECTS), strict=True):
            missed += not found
            print(f"{'caught' if found else 'MISSED'}  {defect.name}", flush=True)
            print(
                "\n".join(f"        {line}" for line in said.splitlines()[: 2 if found else 12]), flush=True
            )
    print(f"{len(DEFECTS) - missed} of {len(DEFECTS)} defects caught; {time.monotonic() - began:.0f} s")
    return missed
