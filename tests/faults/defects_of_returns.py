"""Defects of returns, and of what payments, inventory and orders do for them."""

from tests.faults.hunting import Defect

_PAYMENT_SERVICE = "services/payments/payments/domain/payment_service.py"
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
