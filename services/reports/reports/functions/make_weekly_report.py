"""Makes a week's report: every Monday that of the week before, or of any week that is over when asked for one.

The same facts make the same bytes, whenever and however often it runs. Only a report that is new or came out otherwise
is told of; that and the record of it are one write, after the files are stored.
"""

from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from reports.adapters.reports_bucket import CSV, HTML
from reports.dependencies import report_store, reports_bucket, sales_store
from reports.domain.figures import figures_of
from reports.domain.page import page_of
from reports.domain.report import Report, page_key, sheet_key
from reports.domain.sheet import sheet_of
from reports.domain.week import NoSuchWeek, Week
from shared.cause import caused_by
from shared.clock import utc_now
from shared.observability import count, logger, metrics, tracer


class Request(BaseModel):
    """What starts a run: a schedule's event with its `time`, or the `week` to report on; neither means last week.

    A job gives the `correlation_id` of whoever asked for it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    week: str | None = None
    time: datetime | None = None
    correlation_id: str | None = None

    def wanted(self, now: datetime) -> Week:
        """The week to report on; raises NoSuchWeek."""
        return Week.named(self.week) if self.week is not None else Week.before(self.time or now)


def report_on(week: Week, correlation_id: str, now: datetime) -> dict[str, Any]:
    """Makes the report of `week`; where it is, and whether it is new or came out otherwise than before.

    Raises WeekNotOver, and ReportContended when another run made it at the same time.
    """
    week.check_over(now)
    store, bucket = sales_store(), reports_bucket()
    figures = figures_of(
        week,
        store.facts_of(week),
        store.products_at_end_of(week),
        store.low_stock_of(week),
        lambda order_id: store.was_confirmed_before(order_id, week),
    )
    page, sheet = page_of(figures), sheet_of(figures)
    bucket.put(page_key(week), page, HTML)
    bucket.put(sheet_key(week), sheet, CSV)
    before = report_store().find(week)
    report = Report.of(week, page, sheet, before)
    changed = report is not before
    if changed:
        page_url, sheet_url = bucket.url_of(report.page_key), bucket.url_of(report.sheet_key)
        report_store().put(
            report, [report.ready(page_url, sheet_url, correlation_id=correlation_id, now=now)]
        )
    logger.info(
        "report made", week=report.week, version=report.version, changed=changed, orders=figures.placed
    )
    count("ReportsMade")
    return {
        "week": report.week,
        "version": report.version,
        "changed": changed,
        "page_key": report.page_key,
        "sheet_key": report.sheet_key,
    }


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the schedule's event, of `{"week": "2026-W10"}`, and of a job's step."""
    try:
        request = Request.model_validate(event)
    except ValidationError as error:
        raise NoSuchWeek(f"A week is asked for as {{'week': '2026-W10'}}: {error}") from error
    now = utc_now()
    correlation_id = request.correlation_id or context.aws_request_id
    with caused_by(context.aws_request_id, correlation_id=correlation_id):
        return report_on(request.wanted(now), correlation_id, now)
