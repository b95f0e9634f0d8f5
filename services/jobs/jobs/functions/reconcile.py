"""Scheduled: ends or starts the jobs that have not ended in time, by the rule in `jobs.domain.stuck_jobs`.

Each run takes the oldest jobs first, as many as it has time for.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobs.dependencies import job_executions, job_store
from jobs.domain.job import Job
from jobs.domain.stuck_jobs import Action, action_for, end
from shared.cause import caused_by
from shared.clock import utc_now
from shared.environment import LambdaEnvironment
from shared.observability import count, entry_point, logger
from shared.record import About

# One job may take four calls; each gives up after its retries.
_TIME_FOR_ONE_MS = 10_000


class ReconcileSettings(LambdaEnvironment):
    """The age at which a job is stuck: longer than its event takes at its third delivery."""

    overdue_after_seconds: Annotated[int, About(gt=0)]


class ReconciliationFailed(Exception):
    """Some jobs could not be reconciled; the log names them, and the next run tries again."""


settings = ReconcileSettings.load()


def reconcile(job: Job, now: datetime) -> Action:
    """Brings a job that has not ended closer to its end; a repeat does no more."""
    execution = job_executions().find(job)
    action = action_for(job, execution, now)
    if action is Action.START:
        job_executions().restart(job)
    elif action is Action.END:
        job_store().change(job.job_id, lambda current: end(current, execution, now))
    return action


def reconcile_stuck(context: LambdaContext) -> dict[str, int]:
    """Reconciles the stuck jobs while there is time; answers how many jobs each action was taken on.

    A job that fails stops no other. Raises ReconciliationFailed at the end if any did.
    """
    now = utc_now()
    actions = dict.fromkeys(Action, 0)
    failed = []
    for job in job_store().unfinished_before(now - timedelta(seconds=settings.overdue_after_seconds)):
        if context.get_remaining_time_in_millis() < _TIME_FOR_ONE_MS:
            logger.warning("out of time; the next run goes on")
            break
        logger.append_keys(job_id=job.job_id, correlation_id=job.correlation_id)
        try:
            action = reconcile(job, now)
        except Exception:  # noqa: BLE001 - one job's failure must not stop the others; the run fails at its end
            logger.exception("job could not be reconciled")
            failed.append(job.job_id)
        else:
            actions[action] += 1
            logger.info("job reconciled", status=job.status.value, outcome=action.value)
        finally:
            logger.remove_keys(["job_id", "correlation_id"])
    count("JobsHanging", actions[Action.START] + actions[Action.END] + len(failed))
    if failed:
        raise ReconciliationFailed(", ".join(failed))
    return {action.value: number for action, number in actions.items()}


@entry_point
def handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The Lambda handler of the schedule's event; it ignores the event's content."""
    with caused_by(context.aws_request_id):
        return reconcile_stuck(context)
