"""Starts the state machine of each requested job, on `job.requested`."""

from jobs.dependencies import job_executions
from jobs.domain.events import JobRequested
from shared.consumer import consumer_handler
from shared.events import Event
from shared.job_steps import JobReference

# Fails at the start of the function, not at its first event, if a state machine's ARN is missing.
job_executions()


def start(event: Event) -> None:
    """Starts the job's execution under the job's id; does nothing if it was started before."""
    requested = JobRequested.model_validate(event.data)
    job = JobReference(job_id=requested.job_id, correlation_id=event.correlation_id)
    job_executions().start(requested.kind, job, requested.request)


handler = consumer_handler({"job.requested": start})
