"""The files of an export of orders: its pages, each by itself, and the result that joins them."""

from collections.abc import Iterable

from orders.domain.export import ExportFormat
from shared.job_files import JobFiles, result_key, work_key


class PageMissing(Exception):
    """A page of the export is not there, or no longer."""


class ExportFiles:
    """Access to the files of exports."""

    def __init__(self, files: JobFiles) -> None:
        self._files = files

    def put_page(self, job_id: str, number: int, form: ExportFormat, lines: Iterable[str]) -> None:
        """Stores a page of these lines; storing it again stores the same file."""
        with self._files.writing(_page_key(job_id, number), form.content_type) as file:
            for line in lines:
                file.write(line.encode())

    def join_pages(self, job_id: str, pages: int, form: ExportFormat) -> tuple[str, int]:
        """Joins the pages into one file, a part at a time; returns its key and how many orders it has.

        Raises PageMissing.
        """
        key = result_key(job_id, form.value)
        orders = 0
        with self._files.writing(key, form.content_type) as file:
            file.write(form.head.encode())
            for number in range(1, pages + 1):
                page = self._files.parts(_page_key(job_id, number))
                if page is None:
                    raise PageMissing(f"{job_id} page {number}")
                for part in page:
                    orders += part.count(b"\n")
                    file.write(part)
        return key, orders


def _page_key(job_id: str, number: int) -> str:
    return work_key(job_id, f"pages/{number:05}")
