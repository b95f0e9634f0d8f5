"""Last piece of a job that asks for a week's report: hands a copy of it to the job, which links to it.

A copy of its own, so that the link goes on showing what the job made when the week is reported on again.
"""

from enum import StrEnum
from typing import Any

from reports.dependencies import reports_bucket
from shared.job_files import JobsBucket, result_key
from shared.job_steps import JobInput, JobModel, JobResult, job_step


class Format(StrEnum):
    """Which of a report's files is wanted; also the ending of the copy's name."""

    HTML = "html"
    CSV = "csv"


class Wanted(JobModel):
    """What the job was asked for, as far as this step needs it."""

    format: Format


class Made(JobModel):
    """What the report's function answered."""

    version: int
    page_key: str
    sheet_key: str


class ReportMade(JobInput):
    """The input of the step."""

    request: Wanted
    report: Made


def hand_over(given: ReportMade) -> dict[str, Any]:
    """Copies the wanted file of the report to where the job's file is; again is harmless."""
    report, wanted = given.report, given.request.format
    key = result_key(given.job.job_id, wanted.value)
    made = report.page_key if wanted is Format.HTML else report.sheet_key
    reports_bucket().copy(made, JobsBucket.load().jobs_bucket, key)
    return JobResult(key=key, counts={"version": report.version}).model_dump()


handler = job_step(ReportMade, hand_over)
