"""The last step of a job for a week's report: copies the page or the sheet to the job's file.

The job has a copy of its own, so its link still shows the same file after a later run made another version.
"""

from enum import StrEnum
from typing import Any

from reports.dependencies import published_files
from shared.job_files import JobsBucket, result_key
from shared.job_steps import JobInput, JobModel, JobResult, job_step


class Format(StrEnum):
    """The two files of a report. The value is also the ending of the copy's name."""

    HTML = "html"
    CSV = "csv"


class ReportRequest(JobModel):
    """The part of the job's request that this step reads."""

    format: Format


class MadeReport(JobModel):
    """The answer of make_weekly_report."""

    version: int
    page_key: str
    sheet_key: str


class StepInput(JobInput):
    """The input of the step."""

    request: ReportRequest
    report: MadeReport


def copy_to_job(step_input: StepInput) -> dict[str, Any]:
    """Copies the requested file. A repeat is harmless."""
    report, wanted = step_input.report, step_input.request.format
    key = result_key(step_input.job.job_id, wanted.value)
    source = report.page_key if wanted is Format.HTML else report.sheet_key
    published_files().copy(source, JobsBucket.load().jobs_bucket, key)
    return JobResult(key=key, counts={"version": report.version}).model_dump()


handler = job_step(StepInput, copy_to_job)
