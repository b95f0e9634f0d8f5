"""Step of a product import: reads the uploaded file, checks each line, and stores the lines in chunks."""

from typing import Any

from catalog.dependencies import import_files, job_files
from catalog.domain.product_import import UploadRefused, check_lines, split_into_chunks
from shared.job_files import upload_key
from shared.job_steps import JobInput, JobModel, job_step


class Upload(JobModel):
    """Names the uploaded file."""

    upload: str


class Check(JobInput):
    """The input of the step."""

    request: Upload


def check_upload(given: Check) -> dict[str, Any]:
    """Stores the file's lines, each checked; answers the numbers of lines, of refused lines and of the chunks.

    Raises UploadRefused if the file cannot be read as products.
    """
    data = job_files().get(upload_key(given.request.upload))
    if data is None:
        raise UploadRefused("The uploaded file is gone; upload it again.")
    files = import_files(given.job.job_id)
    lines = refused = number = 0
    for number, chunk in enumerate(split_into_chunks(check_lines(data)), start=1):
        files.put_lines(number, chunk)
        lines += len(chunk)
        refused += sum(line.refused is not None for line in chunk)
    return {"lines": lines, "refused": refused, "chunks": list(range(1, number + 1))}


handler = job_step(Check, check_upload)
