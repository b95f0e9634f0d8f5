"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from jobs.adapters.job_store import JobStore
from jobs.adapters.links import JobLinks
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.job_files import JobsBucket


class JobsTable(LambdaEnvironment):
    """Names the jobs table."""

    table_name: str


@cache
def job_store() -> JobStore:
    """The jobs table's store."""
    return JobStore(client("dynamodb"), JobsTable.load().table_name)


@cache
def job_links() -> JobLinks:
    """The signer of forms and links for the jobs bucket."""
    return JobLinks(JobsBucket.load().jobs_bucket)
