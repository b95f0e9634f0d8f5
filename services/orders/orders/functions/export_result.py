"""Last step of an export of orders: joins the pages into one file, a page at a time."""

from typing import Annotated, Any

from pydantic import Field

from orders.dependencies import job_files
from orders.domain.export import Period
from orders.functions.export_page import page_key
from shared.job_files import result_key
from shared.job_steps import JobInput, JobResult, job_step


class PageMissing(Exception):
    """A page of the export is not there (any more)."""


class Pages(JobInput):
    """The input of the step: what is exported, and how many pages there are."""

    request: Period
    pages: Annotated[int, Field(ge=1)]


def join_pages(given: Pages) -> dict[str, Any]:
    """Writes the file; answers where it is and how many orders it has. Raises PageMissing."""
    written = given.request.format
    key = result_key(given.job.job_id, written.value)
    orders = 0
    with job_files().writing(key, written.content_type) as file:
        file.write(written.head.encode())
        for number in range(1, given.pages + 1):
            page = job_files().get(page_key(given.job.job_id, number))
            if page is None:
                raise PageMissing(f"{given.job.job_id} page {number}")
            orders += page.count(b"\n")
            file.write(page)
    return JobResult(key=key, counts={"orders": orders}).model_dump()


handler = job_step(Pages, join_pages)
