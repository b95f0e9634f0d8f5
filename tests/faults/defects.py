"""Defects that the harness must find; those of returns have a module of their own."""

from tests.faults.defects_of_returns import OF_RETURNS
from tests.faults.hunting import Defect

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
    *OF_RETURNS,
)
