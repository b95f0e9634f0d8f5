"""CSV (RFC 4180) that is safe to open in a spreadsheet.

A spreadsheet runs a cell that starts like a formula, and a formula can fetch and send data. So such a cell gets an
apostrophe in front, which marks it as text (https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
from collections.abc import Iterable
from io import StringIO

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_row(cells: Iterable[str | int]) -> str:
    """One line of a CSV file, with its line end. Numbers stay as they are; a text is never a formula."""
    line = StringIO()
    csv.writer(line).writerow([cell if isinstance(cell, int) else _as_text(cell) for cell in cells])
    return line.getvalue()


def _as_text(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
