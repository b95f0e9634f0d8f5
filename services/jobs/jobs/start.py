"""Starts the state machine of each job that was asked for."""

import json

from botocore.exceptions import ClientError

from jobs.domain import JobKind
from jobs.events import JobRequested
from shared.aws import client
from shared.consumer import consumer_handler
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import logger


class Machines(LambdaEnvironment):
    """Names the state machine of each kind of job."""

    order_export_arn: str
    product_import_arn: str

    def of(self, kind: str) -> str:
        """The state machine of that kind; raises UnknownKind."""
        machines = {
            JobKind.ORDER_EXPORT: self.order_export_arn,
            JobKind.PRODUCT_IMPORT: self.product_import_arn,
        }
        if kind not in machines:
            raise UnknownKind(kind)
        return machines[JobKind(kind)]


class UnknownKind(PermanentError):
    """No state machine does jobs of this kind."""


# Refuses to start where nothing names the state machines.
Machines.load()


def start(event: Event) -> None:
    """Starts the job's execution, which bears the job's id; does nothing when it was started before."""
    told = JobRequested.model_validate(event.data)
    given = {
        "job": {"job_id": told.job_id, "correlation_id": event.correlation_id},
        "request": told.request,
    }
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=Machines.load().of(told.kind), name=told.job_id, input=json.dumps(given)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        logger.info("job was started before", job_id=told.job_id)
    else:
        logger.info("job started", job_id=told.job_id, kind=told.kind)


handler = consumer_handler({"job.requested": start})
