"""CSV (RFC 4180) that is safe to open in a spreadsheet.

A spreadsheet runs a cell that starts like a formula, and a formula can fetch and send data. So such a cell gets an
apostrophe in front, which marks it as text (https://owasp.org/www-community/attacks/CSV_Injection). Nothing else in the
services writes CSV.
"""

import csv
import re
from collections.abc import Iterable
from io import StringIO

# The signs of ASCII and their full-width twins, which East Asian versions take for the same. Spaces may come before. A
# control character in front is dropped by some spreadsheets.
_FORMULA = re.compile(r"\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\x00\t\r\n]")


def csv_row(cells: Iterable[str | int]) -> str:
    """One line of a CSV file, with its line end. Numbers stay as they are; a text is never a formula."""
    line = StringIO()
    csv.writer(line).writerow([cell if isinstance(cell, int) else _as_text(cell) for cell in cells])
    return line.getvalue()


def _as_text(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
