"""Defects of the returns service, and of what payments, inventory and orders do for returns."""

from tests.faults.hunting import Defect

_PAYMENT_SERVICE = "services/payments/payments/domain/payment_service.py"
_ORDER_RETURNS = "services/returns/returns/domain/order_returns.py"
_RETURN_STORE = "services/returns/returns/adapters/return_store.py"
OF_RETURNS = (
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
        ("return",),
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
    Defect(
        "a fulfilled order that forgets its returns when the news of it comes again",
        _RETURN_STORE,
        "        self._table.put_new(_item(fulfilled, []))\n",
        """        item = to_item(_item(fulfilled, []))
        self._table.dynamodb.put_item(TableName=self._table.name, Item=item)
""",
        ("return",),
    ),
    Defect(
        "a return that does not know its request again",
        _ORDER_RETURNS,
        "known = next((entry for entry in self.returns if entry.return_id == return_id), None)",
        "known = None",
        ("return",),
    ),
    Defect(
        "a refund that does not know its news again",
        _ORDER_RETURNS,
        "        if entry.status is ReturnStatus.REFUNDED:\n",
        "        if entry.status is ReturnStatus.REQUESTED:\n",
        ("return",),
    ),
    Defect(
        "returned pieces that come into stock under a new movement at each try",
        "services/inventory/inventory/domain/stock.py",
        "f'{return_id}/{sku}'",
        "f'{return_id}/{sku}/{now}'",
        ("return",),
    ),
    Defect(
        "a return saved over another writer's change",
        _RETURN_STORE,
        "            self._table.successor(_item(changed, events), replaces=known.version),\n",
        '            {"Put": {"TableName": self._table.name, "Item": to_item(_item(changed, events))}},\n',
        ("returns",),
    ),
    Defect(
        "a change of returns that raises no version",
        _ORDER_RETURNS,
        '"version": self.version + 1}',
        '"version": self.version}',
        ("returns",),
    ),
    Defect(
        "a refund with the shipping for each return",
        "services/returns/returns/domain/pieces.py",
        "return refund + shipping if whole else refund",
        "return refund + shipping",
        ("returns",),
    ),
    Defect(
        "a piece that two returns may have",
        _ORDER_RETURNS,
        "        current._check_free(pieces, current.returnable)\n",
        "",
        ("return-leave",),
    ),
    Defect(
        "a closed account that can still return",
        _RETURN_STORE,
        "        if customer_id is not None:\n",
        "        if not customer_id:\n",
        ("return-leave",),
    ),
    Defect(
        "an erasure that leaves a return for an operator to decide",
        "services/returns/returns/functions/follow.py",
        "    for order in return_store().all_of_customer(customer_id):\n",
        "    for order in list[OrderReturns]():\n",
        ("return-leave",),
    ),
    Defect(
        "a return that stays on the operators' list",
        _RETURN_STORE,
        "        if entry.status.is_final:\n",
        "        if entry.status.awaits_parcel and entry.status.is_final:\n",
        ("return-refused",),
    ),
    Defect(
        "a label for a return that was withdrawn",
        _ORDER_RETURNS,
        "        if entry.status is not ReturnStatus.ACCEPTED:\n",
        "        if entry.status is ReturnStatus.LABELLED:\n",
        ("return-withdrawn",),
    ),
)
