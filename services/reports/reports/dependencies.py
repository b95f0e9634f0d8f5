"""Wires the service's functions, once per execution environment, from the environment variables."""

from functools import cache
from string import Template
from typing import TYPE_CHECKING

from reports.adapters.page_template import read_page_template
from reports.adapters.published_files import PublishedFiles
from reports.adapters.sales_projection import SalesProjection
from shared.aws import client
from shared.environment import LambdaEnvironment

if TYPE_CHECKING:
    from reports.adapters.report_versions import ReportVersions


class SalesTable(LambdaEnvironment):
    """The name of the sales projection's table."""

    sales_table_name: str


class ReportsTable(LambdaEnvironment):
    """The name of the reports table."""

    table_name: str


class Bucket(LambdaEnvironment):
    """The name of the reports bucket, and its region, which Lambda sets."""

    reports_bucket: str
    aws_region: str


@cache
def sales_projection() -> SalesProjection:
    """The sales projection."""
    return SalesProjection(client("dynamodb"), SalesTable.load().sales_table_name)


@cache
def report_versions() -> "ReportVersions":
    """The reports table."""
    # Imported here, because the other functions need no optimistic locking: its imports would slow their cold starts.
    from reports.adapters.report_versions import ReportVersions  # noqa: PLC0415

    return ReportVersions(client("dynamodb"), ReportsTable.load().table_name)


@cache
def published_files() -> PublishedFiles:
    """The reports bucket."""
    bucket = Bucket.load()
    return PublishedFiles(client("s3"), bucket.reports_bucket, bucket.aws_region)


@cache
def page_template() -> Template:
    """The template of the report's page."""
    return read_page_template()
