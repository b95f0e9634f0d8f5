"""Makes the service's dependencies from the environment variables, once per execution environment."""

from functools import cache

from jobs.adapters.executions import JobExecutions, StateMachines
from jobs.adapters.job_store import JobStore
from jobs.adapters.presigned_urls import PresignedUrls
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.job_files import JobsBucket


class JobsTable(LambdaEnvironment):
    """The name of the jobs table."""

    table_name: str


@cache
def job_store() -> JobStore:
    """The store of jobs."""
    return JobStore(client("dynamodb"), JobsTable.load().table_name)


@cache
def job_executions() -> JobExecutions:
    """The executions of jobs."""
    return JobExecutions(StateMachines.load())


@cache
def presigned_urls() -> PresignedUrls:
    """The signer of forms and links for the jobs bucket."""
    return PresignedUrls(JobsBucket.load().jobs_bucket)
