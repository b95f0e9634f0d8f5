"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from reports.adapters.report_store import ReportStore, SalesStore
from reports.adapters.reports_bucket import ReportsBucket
from shared.aws import client
from shared.environment import LambdaEnvironment


class SalesTable(LambdaEnvironment):
    """Names the sales projection's table."""

    sales_table_name: str


class ReportsTable(LambdaEnvironment):
    """Names the reports table."""

    table_name: str


class Bucket(LambdaEnvironment):
    """Names the reports bucket and the region that it is in, which Lambda tells."""

    reports_bucket: str
    aws_region: str


@cache
def sales_store() -> SalesStore:
    """The sales projection's store."""
    return SalesStore(client("dynamodb"), SalesTable.load().sales_table_name)


@cache
def report_store() -> ReportStore:
    """The reports table's store."""
    return ReportStore(client("dynamodb"), ReportsTable.load().table_name)


@cache
def reports_bucket() -> ReportsBucket:
    """The reports bucket."""
    bucket = Bucket.load()
    return ReportsBucket(client("s3"), bucket.reports_bucket, bucket.aws_region)
