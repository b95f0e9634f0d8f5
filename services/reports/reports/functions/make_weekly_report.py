"""Makes a week's report: on Mondays that of the week before, and on request that of any week that is over.

The same facts make the same bytes at every run. A run stores the files first. Then, only if the report is new or has
changed, it stores the next version together with its event, in one write.
"""

from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from reports.adapters.published_files import CSV, HTML
from reports.dependencies import page_template, published_files, report_versions, sales_projection
from reports.domain.figures import Figures, figures_of
from reports.domain.page import page_of
from reports.domain.report import Report, page_key, sheet_key
from reports.domain.sheet import sheet_of
from reports.domain.week import NoSuchWeek, Week
from shared.cause import caused_by
from shared.clock import utc_now
from shared.observability import count, entry_point, logger
from shared.validation import without_values


class Request(BaseModel):
    """The input of a run: a schedule's event with its `time`, or a `week`. Without both it means last week.

    A job also passes the `correlation_id` of the request that asked for the job.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    week: str | None = None
    time: datetime | None = None
    correlation_id: str | None = None

    def wanted(self, now: datetime) -> Week:
        """The week to report on; raises NoSuchWeek."""
        return Week.named(self.week) if self.week is not None else Week.before(self.time or now)


def report_on(week: Week, correlation_id: str, now: datetime) -> dict[str, Any]:
    """Makes the report of `week`; returns its version, its keys, and whether this run changed it.

    Raises WeekNotOver. Raises WriteConflict if another run stored a version meanwhile. No retry_on_conflict starts over
    then: the facts may have changed too, so Lambda or the state machine repeats the whole run.
    """
    week.check_over(now)
    figures = _figures(week)
    page, sheet = page_of(figures, page_template()), sheet_of(figures)
    files = published_files()
    files.put(page_key(week), page, HTML)
    files.put(sheet_key(week), sheet, CSV)
    last = report_versions().find(week)
    report = Report.of(week, page, sheet, last)
    changed = report is not last
    if changed:
        urls = files.url_of(report.page_key), files.url_of(report.sheet_key)
        report_versions().put(report, [report.ready(*urls, correlation_id=correlation_id, now=now)])
    logger.info(
        "report made", week=report.week, version=report.version, changed=changed, orders=figures.placed
    )
    count("ReportsMade")
    return {**report.model_dump(exclude={"digest"}), "changed": changed}


def _figures(week: Week) -> Figures:
    sales = sales_projection()
    return figures_of(
        week,
        sales.facts_of(week),
        sales.products_at_end_of(week),
        sales.low_stock_of(week),
        lambda order_id: sales.was_confirmed_before(order_id, week),
    )


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the schedule's event, of `{"week": "2026-W10"}`, and of a job's step."""
    try:
        request = Request.model_validate(event)
    except ValidationError as error:
        raise NoSuchWeek(f"Name the week as in {{'week': '2026-W10'}}: {without_values(error)}") from error
    now = utc_now()
    correlation_id = request.correlation_id or context.aws_request_id
    with caused_by(context.aws_request_id, correlation_id=correlation_id):
        return report_on(request.wanted(now), correlation_id, now)
