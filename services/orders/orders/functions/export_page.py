"""Step of an export of orders: writes one page into a file of its own, and answers where the next one starts.

A page that is written twice is the same file, so a step that died is run again.
"""

from typing import Any

from orders.dependencies import export_files, placement_index, redacted_orders
from orders.domain.export import Period, Place, page_of, page_orders
from shared.job_steps import JobInput, job_step


class Page(JobInput):
    """The input of the step: the exported period, and the page's start."""

    request: Period
    page: Place


def export_page(given: Page) -> dict[str, Any]:
    """Writes the page; answers how many orders it and the whole export have, and where the next page starts if there
    is `more`.

    The first page counts the orders of the period. Raises ExportTooLarge if they are too many for one export.
    """
    index, form = placement_index(), given.request.format
    start = (
        given.page if given.page.orders is not None else given.page.with_orders(given.request, index.count_on)
    )
    ids, following = page_of(given.request, start, index.placed_on, page_orders(start.orders or 0))
    orders = redacted_orders().find_all(ids)
    export_files().put_page(given.job.job_id, start.number, form, map(form.written, orders))
    return {
        "piece": {"number": start.number, "done": len(ids)},
        "total": start.orders,
        "more": following is not None,
        "next": (following or start).model_dump(),
    }


handler = job_step(Page, export_page)
