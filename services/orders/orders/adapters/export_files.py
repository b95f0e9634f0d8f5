"""The files of an export of orders: its pages, each by itself, and the result that joins them."""

from orders.domain.export import ExportFormat
from shared.job_files import JobFiles, result_key, work_key


class PageMissing(Exception):
    """A page of the export is not there, or no longer."""


class ExportFiles:
    """Access to the files of exports."""

    def __init__(self, files: JobFiles) -> None:
        self._files = files

    def put_page(self, job_id: str, number: int, text: str) -> None:
        """Stores a page; storing it again stores the same file."""
        self._files.put(_page_key(job_id, number), text.encode())

    def join_pages(self, job_id: str, pages: int, form: ExportFormat) -> tuple[str, int]:
        """Joins the pages into one file, a page at a time; returns its key and how many orders it has.

        Raises PageMissing.
        """
        key = result_key(job_id, form.value)
        orders = 0
        with self._files.writing(key, form.content_type) as file:
            file.write(form.head.encode())
            for number in range(1, pages + 1):
                page = self._files.get(_page_key(job_id, number))
                if page is None:
                    raise PageMissing(f"{job_id} page {number}")
                orders += page.count(b"\n")
                file.write(page)
        return key, orders


def _page_key(job_id: str, number: int) -> str:
    return work_key(job_id, f"pages/{number:05}")
