"""Last step of a product import: one file that tells of each line what became of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from catalog.adapters.import_files import ImportFiles
from catalog.dependencies import job_files
from catalog.domain.product_import import LineOutcome, LineResult
from shared.job_files import result_key
from shared.job_steps import JobInput, JobModel, JobResult, job_step
from shared.spreadsheets import csv_row

_WITHHELD = "other lines were refused, and then none was to be applied"
_STOPPED = "the job was cancelled, or this part of it failed; import the line again"


class Checked(JobModel):
    """What the check found."""

    refused: int
    chunks: list[int]


class Choice(JobModel):
    """Whether good lines are applied though others are bad."""

    on_error: str


class Import(JobInput):
    """The input of the step."""

    check: Checked
    request: Choice

    @property
    def is_withheld(self) -> bool:
        """Whether nothing was applied, as was asked for."""
        return self.request.on_error == "apply_none" and self.check.refused > 0


def write_result(given: Import) -> dict[str, Any]:
    """Writes the file; answers where it is, how many lines came to what, and whether all was done that should be."""
    files = ImportFiles(job_files(), given.job.job_id)
    counts: Counter[str] = Counter({outcome.value: 0 for outcome in LineOutcome})
    key = result_key(given.job.job_id, "csv")
    with job_files().writing(key, "text/csv; charset=utf-8") as file:
        file.write(csv_row(("line", "sku", "outcome", "reason")).encode())
        for chunk in given.check.chunks:
            for result in _results(files, chunk, withheld=given.is_withheld):
                counts[result.outcome.value] += 1
                row = csv_row((result.line, result.sku, result.outcome.value, result.reason))
                file.write(row.encode())
    complete = given.is_withheld or not counts[LineOutcome.NOT_APPLIED]
    return JobResult(key=key, counts=counts, complete=complete).model_dump()


def _results(files: ImportFiles, chunk: int, *, withheld: bool) -> Iterator[LineResult]:
    results = files.results(chunk)
    if results is not None:
        yield from results
        return
    for line in files.lines(chunk):
        if line.refused is not None:
            yield LineResult(line=line.line, sku=line.sku, outcome=LineOutcome.REFUSED, reason=line.refused)
        else:
            reason = _WITHHELD if withheld else _STOPPED
            yield LineResult(line=line.line, sku=line.sku, outcome=LineOutcome.NOT_APPLIED, reason=reason)


handler = job_step(Import, write_result)
