"""Last step of a product import: writes one file with the outcome of each line."""

from collections import Counter
from typing import Any

from catalog.adapters.import_files import ImportFiles
from catalog.dependencies import import_files, job_files
from catalog.domain.product_import import LineOutcome, LineResult, is_withheld
from shared.job_files import result_key
from shared.job_steps import JobInput, JobModel, JobResult, job_step
from shared.spreadsheets import csv_row


class Checked(JobModel):
    """The findings of the check."""

    refused: int
    chunks: list[int]


class Choice(JobModel):
    """Whether the import applies good lines although others are bad."""

    on_error: str


class Import(JobInput):
    """The input of the step."""

    check: Checked
    request: Choice


def write_result(given: Import) -> dict[str, Any]:
    """Writes the file; answers its key, the number of lines by outcome, and whether the import is complete."""
    files = import_files(given.job.job_id)
    withheld = is_withheld(given.request.on_error, given.check.refused)
    counts: Counter[str] = Counter({outcome.value: 0 for outcome in LineOutcome})
    key = result_key(given.job.job_id, "csv")
    with job_files().writing(key, "text/csv; charset=utf-8") as file:
        file.write(csv_row(("line", "sku", "outcome", "reason")).encode())
        for chunk in given.check.chunks:
            for result in _results(files, chunk, withheld=withheld):
                counts[result.outcome.value] += 1
                row = csv_row((result.line, result.sku, result.outcome.value, result.reason))
                file.write(row.encode())
    complete = withheld or not counts[LineOutcome.NOT_APPLIED]
    return JobResult(key=key, counts=counts, complete=complete).model_dump()


def _results(files: ImportFiles, chunk: int, *, withheld: bool) -> list[LineResult]:
    results = files.results(chunk)
    if results is not None:
        return results
    return [LineResult.not_applied(line, withheld=withheld) for line in files.lines(chunk)]


handler = job_step(Import, write_result)
