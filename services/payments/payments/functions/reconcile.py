"""Scheduled: asks the provider about every intent that differs from our payment, and puts right what it safely can; and
finishes what was begun at the provider and cut short."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from payments.dependencies import cashier, payment_store, reconciler
from payments.domain.observation import Remedy
from payments.domain.payment import CaptureFailed, PaymentVoided
from shared.cause import caused_by
from shared.clock import utc_now
from shared.observability import count, logger, metrics, tracer

# More than are ever seen; a run that finds so many is cut short by its time, and the next goes on.
_MOST_A_RUN = 100
# Three calls of the provider, of which each takes 8 s at most.
_TIME_FOR_ONE_MS = 30_000
# Longer than the saga's tries and the queue's first few: until then whoever began it is at it.
HANGING_AFTER = timedelta(minutes=10)


class ReconciliationFailed(Exception):
    """Some could not be looked at; the log says which, and the next run tries again."""


def complete(order_id: str) -> str:
    """Finishes the order's payment; says what it is then."""
    try:
        payment = cashier().complete(order_id)
    except (CaptureFailed, PaymentVoided) as done:
        return type(done).__name__
    return payment.status.value if payment else "none"


def reconcile_all(context: LambdaContext) -> dict[str, int]:
    """How many intents that differed came to which remedy, and how many payments that hung were looked at; one that
    fails stops no other.

    The metric `ProviderDiffers` counts the differences that are left for an operator, `PaymentsHanging` the payments
    whose operation was cut short. Raises ReconciliationFailed at the end.
    """
    failed: list[str] = []
    hanging = payment_store().under_way_since_before(utc_now() - HANGING_AFTER, _MOST_A_RUN)
    count("PaymentsHanging", len(hanging))
    completed = len(list(_each(hanging, complete, context, failed)))
    unlooked = len(failed)
    remedies = dict.fromkeys(Remedy, 0)
    for remedy in _each(reconciler().differing(_MOST_A_RUN), reconciler().reconcile, context, failed):
        remedies[remedy] += 1
    count("ProviderDiffers", remedies[Remedy.OPERATOR] + len(failed) - unlooked)
    count("PaymentsReconciled", remedies[Remedy.CANCEL] + remedies[Remedy.REFUND])
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    return {**{remedy.value: number for remedy, number in remedies.items()}, "hanging": completed}


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the schedule's event, which says nothing that is needed."""
    with caused_by(context.aws_request_id):
        return reconcile_all(context)


def _each[Result](
    keys: Iterable[str], act: Callable[[str], Result], context: LambdaContext, failed: list[str]
) -> Iterator[Result]:
    """What `act` makes of each key while there is time; those at which it fails are added to `failed`."""
    for key in keys:
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            return
        try:
            result = act(key)
        except Exception:  # noqa: BLE001 - whatever it is, it is this one's; see the end of the run
            logger.exception("could not be reconciled", reference=key)
            failed.append(key)
        else:
            logger.info("reconciled", reference=key, outcome=str(result))
            yield result
