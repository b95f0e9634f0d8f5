"""Starts the state machine of each job that was asked for."""

from jobs.adapters.executions import Given, Machines, start_execution
from jobs.domain.events import JobRequested
from shared.consumer import consumer_handler
from shared.events import Event
from shared.job_steps import JobReference

# Refuses to start where nothing names the state machines.
Machines.load()


def start(event: Event) -> None:
    """Starts the job's execution, which bears the job's id; does nothing when it was started before."""
    told = JobRequested.model_validate(event.data)
    job = JobReference(job_id=told.job_id, correlation_id=event.correlation_id)
    start_execution(told.kind, Given(job=job, request=told.request))


handler = consumer_handler({"job.requested": start})
