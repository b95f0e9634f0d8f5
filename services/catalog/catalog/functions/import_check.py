"""Step of a product import: reads the uploaded file, checks each line, and leaves the lines in chunks."""

from typing import Any

from catalog.adapters.import_files import ImportFiles
from catalog.dependencies import job_files
from catalog.domain.product_import import UploadRefused, checked_lines, chunks_of
from shared.job_files import upload_key
from shared.job_steps import JobInput, JobModel, job_step


class Upload(JobModel):
    """Names the uploaded file."""

    upload: str


class Check(JobInput):
    """The input of the step."""

    request: Upload


def check_upload(given: Check) -> dict[str, Any]:
    """Leaves the file's lines, each checked; answers how many there are, how many are refused, and the chunks' numbers.

    Raises UploadRefused for a file that cannot be read as products.
    """
    data = job_files().get(upload_key(given.request.upload))
    if data is None:
        raise UploadRefused("The uploaded file is gone; upload it again.")
    files = ImportFiles(job_files(), given.job.job_id)
    lines = refused = number = 0
    for number, chunk in enumerate(chunks_of(checked_lines(data)), start=1):
        files.put_lines(number, chunk)
        lines += len(chunk)
        refused += sum(line.refused is not None for line in chunk)
    return {"lines": lines, "refused": refused, "chunks": list(range(1, number + 1))}


handler = job_step(Check, check_upload)
