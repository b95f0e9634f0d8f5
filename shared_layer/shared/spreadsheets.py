"""CSV (RFC 4180) that is safe to open in a spreadsheet.

A spreadsheet runs a cell that starts like a formula, and a formula can fetch and send data. So such a cell gets an
apostrophe in front, which marks it as text (https://owasp.org/www-community/attacks/CSV_Injection).

Most of Europe separates cells by semicolons, and a spreadsheet there begins a cell at each of them. It takes quotes
within a line as text, so a cell also begins at a line end in quotes. A tab may separate cells, too. A formula there
gets its apostrophe as well. Nothing else in the services writes CSV.
"""

import csv
import re
from collections.abc import Iterable
from io import StringIO

# The signs of ASCII and their full-width twins, which East Asian versions take for the same. Spaces may come before.
_SIGN = r"\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]"
# A control character in front is dropped by some spreadsheets.
_FORMULA = re.compile(rf"{_SIGN}|[\x00\t\r\n]")
_LATER_FORMULA = re.compile(rf"([;\t\r\n])(?={_SIGN})")


def csv_row(cells: Iterable[str | int]) -> str:
    """One line of a CSV file, with its line end. Numbers stay as they are; a text is never a formula."""
    line = StringIO()
    csv.writer(line).writerow([cell if isinstance(cell, int) else _as_text(cell) for cell in cells])
    return line.getvalue()


def _as_text(cell: str) -> str:
    inner = _LATER_FORMULA.sub(r"\1'", cell)
    return f"'{inner}" if _FORMULA.match(cell) else inner
