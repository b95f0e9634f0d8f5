"""Scheduled: asks the provider about every intent that differs from our payment, and puts right what it safely can."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from payments.observation import Remedy
from payments.resources import reconciler
from shared.cause import caused_by
from shared.observability import count, logger, metrics, tracer

# More than are ever seen; a run that finds so many is cut short by its time, and the next goes on.
_MOST_A_RUN = 100
# Three calls of the provider, of which each takes 8 s at most.
_TIME_FOR_ONE_MS = 30_000


class ReconciliationFailed(Exception):
    """Some intents could not be looked at; the log says which, and the next run tries again."""


def reconcile_differing(context: LambdaContext) -> dict[str, int]:
    """How many intents that differed came to which remedy; one that fails stops no other.

    The metric `ProviderDiffers` counts those that are left for an operator. Raises ReconciliationFailed at the end.
    """
    remedies = dict.fromkeys(Remedy, 0)
    failed = []
    for reference in reconciler().differing(_MOST_A_RUN):
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            break
        try:
            remedy = reconciler().reconcile(reference)
        except Exception:  # noqa: BLE001 - whatever it is, it is this intent's; see the end
            logger.exception("intent could not be reconciled", reference=reference)
            failed.append(reference)
        else:
            remedies[remedy] += 1
            logger.info("intent reconciled", reference=reference, remedy=remedy.value)
    count("ProviderDiffers", remedies[Remedy.OPERATOR] + len(failed))
    count("PaymentsReconciled", remedies[Remedy.CANCEL] + remedies[Remedy.REFUND])
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    return {remedy.value: number for remedy, number in remedies.items()}


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the schedule's event, which says nothing that is needed."""
    with caused_by(context.aws_request_id):
        return reconcile_differing(context)
