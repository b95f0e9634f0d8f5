"""Scheduled: resolves the intents that differ from our payments, and finishes payments that were cut short."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from payments.dependencies import difference_resolver, payment_service, payment_store
from payments.domain.observation import Remedy
from payments.domain.payment import AlreadyVoided, CaptureFailed
from shared.cause import caused_by
from shared.clock import utc_now
from shared.fair_order import from_any_one
from shared.observability import count, entry_point, logger

# More than a run has the time for. Each run begins at any one of both lists. So what it cannot finish, or leaves to an
# operator, does not keep it from the others.
_MOST_A_RUN = 1000
# Three calls of the provider; each takes 8 s at most.
_TIME_FOR_ONE_MS = 30_000
# Longer than the saga's tries and the queue's first few; until then the operation may still be running.
HANGING_AFTER = timedelta(minutes=10)


class ReconciliationFailed(Exception):
    """Some intents or payments could not be reconciled; the log names them, and the next run tries again."""


def complete(order_id: str) -> str:
    """Finishes the order's payment; returns the payment's status, or the exception's name."""
    try:
        payment = payment_service().complete(order_id)
    except (CaptureFailed, AlreadyVoided) as done:
        return type(done).__name__
    return payment.status.value if payment else "none"


def reconcile_all(context: LambdaContext) -> dict[str, int]:
    """Reconciles each intent and each payment for itself; returns the number for each remedy.

    The metric `ProviderDiffers` counts the differences that are left to an operator. `PaymentsHanging` counts the
    payments that were cut short. Raises ReconciliationFailed at the end, if one failed.
    """
    hanging = payment_store().under_way_since_before(utc_now() - HANGING_AFTER, _MOST_A_RUN)
    differing = difference_resolver().differing(_MOST_A_RUN)
    count("PaymentsHanging", len(hanging))
    failed: list[str] = []
    ways = {**dict.fromkeys(hanging, complete), **dict.fromkeys(differing, difference_resolver().resolve)}
    outcomes = dict(_each(ways, context, failed))
    remedies = Counter(outcomes[reference] for reference in differing if reference in outcomes)
    count("ProviderDiffers", remedies[Remedy.OPERATOR] + len({*failed} & {*differing}))
    count("PaymentsReconciled", remedies[Remedy.CANCEL] + remedies[Remedy.REFUND])
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    completed = sum(order_id in outcomes for order_id in hanging)
    return {**{remedy.value: remedies[remedy] for remedy in Remedy}, "hanging": completed}


@entry_point
def handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler; it ignores the schedule's event."""
    with caused_by(context.aws_request_id):
        return reconcile_all(context)


def _each(
    ways: Mapping[str, Callable[[str], str]], context: LambdaContext, failed: list[str]
) -> Iterator[tuple[str, str]]:
    """Each key with the outcome of its way, while there is time; adds the keys that fail to `failed`."""
    for key in from_any_one(list(ways), utc_now()):
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            return
        try:
            outcome = ways[key](key)
        except Exception:  # noqa: BLE001 - one that fails must stop no other; reconcile_all raises at its end
            logger.exception("could not be reconciled", reference=key)
            failed.append(key)
        else:
            logger.info("reconciled", reference=key, outcome=outcome)
            yield key, outcome
