"""Step of an export of orders: writes one page of them into a file of its own, and tells where the next one starts.

A page that is written twice is the same file written twice, so a step that died is simply run again.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

from orders.dependencies import job_files, placements
from orders.domain.export import PAGE_DAYS, PAGE_ORDERS, Period, Place, require_page
from shared.job_files import work_key
from shared.job_steps import JobInput, job_step


class Page(JobInput):
    """The input of the step: what is exported, and where the page starts."""

    request: Period
    page: Place


def page_key(job_id: str, number: int) -> str:
    """Where a page of the export lies until all are joined."""
    return work_key(job_id, f"pages/{number:05}")


def export_page(given: Page) -> dict[str, Any]:
    """Writes the page; answers how many orders it has, and where the next one starts if there is `more`.

    Raises ExportTooLarge for a page too many.
    """
    require_page(given.page.number)
    ids, following = _page(given.request, given.page)
    text = "".join(given.request.format.written(order) for order in placements().orders(ids))
    job_files().put(page_key(given.job.job_id, given.page.number), text.encode())
    more = following is not None
    return {
        "piece": {"number": given.page.number, "done": len(ids)},
        "more": more,
        "next": (following or given.page).model_dump(),
    }


def _page(period: Period, start: Place) -> tuple[list[str], Place | None]:
    """The ids of the page's orders, and where the next page starts, or None when the period ends with this one."""
    ids: list[str] = []
    for day in _days(start.day_in(period), period.last_day):
        after = start.after if day == start.day_in(period) else ""
        # One more than the page holds tells whether the day goes on.
        found = list(islice(placements().of_day(day, after), PAGE_ORDERS - len(ids) + 1))
        taken = found[: PAGE_ORDERS - len(ids)]
        ids += [order_id for _, order_id in taken]
        if len(found) > len(taken):
            last = taken[-1][0] if taken else after
            return ids, start.after_order(day, last)
    return ids, start.after_day(day) if day < period.last_day else None


def _days(first: date, last: date) -> Iterator[date]:
    """The days that a page which starts on `first` looks through."""
    for number in range(min((last - first).days + 1, PAGE_DAYS)):
        yield first + timedelta(days=number)


handler = job_step(Page, export_page)
