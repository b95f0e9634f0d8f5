"""Step of an export of orders: writes one page into a file of its own, and answers where the next one starts.

A page that is written twice is the same file, so a step that died is run again.
"""

from typing import Any

from orders.dependencies import export_files, order_store, placement_index
from orders.domain.export import PAGE_ORDERS, Period, Place, page_of, require_page
from shared.job_steps import JobInput, job_step


class Page(JobInput):
    """The input of the step: the exported period, and the page's start."""

    request: Period
    page: Place


def export_page(given: Page) -> dict[str, Any]:
    """Writes the page; answers how many orders it has, and where the next one starts if there is `more`.

    Raises ExportTooLarge for a page beyond the last that an export may have.
    """
    require_page(given.page.number)
    ids, following = page_of(given.request, given.page, placement_index().placed_on, PAGE_ORDERS)
    text = "".join(given.request.format.written(order) for order in order_store().find_all(ids))
    export_files().put_page(given.job.job_id, given.page.number, text)
    return {
        "piece": {"number": given.page.number, "done": len(ids)},
        "more": following is not None,
        "next": (following or given.page).model_dump(),
    }


handler = job_step(Page, export_page)
