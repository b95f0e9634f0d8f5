"""Last step of an export of orders: joins the pages into one file, a page at a time."""

from typing import Annotated, Any

from pydantic import Field

from orders.dependencies import export_files
from orders.domain.export import Period
from shared.job_steps import JobInput, JobResult, job_step


class Pages(JobInput):
    """The input of the step: the exported period, and how many pages there are."""

    request: Period
    pages: Annotated[int, Field(ge=1)]


def join_pages(given: Pages) -> dict[str, Any]:
    """Writes the file; answers its key and how many orders it has. Raises PageMissing."""
    key, orders = export_files().join_pages(given.job.job_id, given.pages, given.request.format)
    return JobResult(key=key, counts={"orders": orders}).model_dump()


handler = job_step(Pages, join_pages)
