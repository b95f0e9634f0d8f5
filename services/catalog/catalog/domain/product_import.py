"""The rules of importing products from a CSV file, without AWS: how it is read, what is checked, what a line comes to.

The file is UTF-8, with or without a byte-order mark, with a header, in the form of RFC 4180 (line ends may be LF). Its
columns, in any order, are `COLUMNS`. A line is checked by the catalogue's own rules; one that fails them is refused by
itself. A file that cannot be read as a whole is refused whole: behind a broken quote nobody knows where a line ends.
"""

import csv
from collections.abc import Iterator
from enum import StrEnum
from io import StringIO
from itertools import batched
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.domain.product import ProductDetails
from shared.errors import PermanentError
from shared.money import Money

REQUIRED = ("sku", "name", "description", "category", "price_amount", "price_currency")
OPTIONAL = ("active",)
COLUMNS = REQUIRED + OPTIONAL
"""`price_amount` is in minor units; `active` is true or false, true where it is empty or missing."""

MAX_LINES = 20_000
CHUNK_LINES = 100
"""How many lines are applied, and tried again, together: some seconds of work."""

_TRUTH = {"": True, "true": True, "false": False}
_SHOWN = 64


class UploadRefused(PermanentError):
    """The uploaded file cannot be read as products; the message tells the admin why."""


class LineOutcome(StrEnum):
    """What became of a line."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    NOT_APPLIED = "not_applied"
    """Nothing is wrong with the line, but it was not to be applied any more."""


class CheckedLine(BaseModel):
    """A line of the file, by the number that an editor shows for its start, and either what it says of the product or
    why it is refused."""

    model_config = ConfigDict(frozen=True)

    line: int
    sku: str
    details: ProductDetails | None = None
    refused: str | None = None


class LineResult(BaseModel):
    """What a line came to, and why."""

    model_config = ConfigDict(frozen=True)

    line: int
    sku: str
    outcome: LineOutcome
    reason: str = ""


def checked_lines(data: bytes) -> Iterator[CheckedLine]:
    """The lines of the file, each checked; empty ones are passed over.

    Raises UploadRefused for a file that is no CSV in UTF-8 with the columns, has no lines or too many.
    """
    rows = _rows(data)
    _, header = next(rows, (1, []))
    columns = _columns(header)
    seen: dict[str, int] = {}
    count = 0
    for number, row in rows:
        count += 1
        if count > MAX_LINES:
            raise UploadRefused(f"The file has more than {MAX_LINES} lines; split it.")
        yield _checked(number, row, columns, seen)
    if not count:
        raise UploadRefused("The file has no line after its header.")


def chunks_of(lines: Iterator[CheckedLine]) -> Iterator[list[CheckedLine]]:
    """The lines in the pieces in which they are applied."""
    for chunk in batched(lines, CHUNK_LINES, strict=False):
        yield list(chunk)


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of the line on which it starts; raises UploadRefused."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UploadRefused(f"Line {line} is not UTF-8; save the file as CSV in UTF-8.") from error
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    start = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UploadRefused(f"The CSV cannot be read from line {start} on: {error}.") from error
        if row:
            yield start, row
        start = reader.line_num + 1


def _columns(header: list[str]) -> list[str]:
    """The columns that the header names, in its order; raises UploadRefused."""
    columns = [name.strip() for name in header]
    problems = [
        *(f"lacks the column {name}" for name in REQUIRED if name not in columns),
        *(
            f"has a column {name[:_SHOWN]!r} that is not known"
            for name in dict.fromkeys(columns)
            if name not in COLUMNS
        ),
        *(f"has the column {name} twice" for name in COLUMNS if columns.count(name) > 1),
    ]
    if problems:
        raise UploadRefused(f"The header {'; '.join(problems[:10])}. The columns are {', '.join(COLUMNS)}.")
    return columns


def _checked(number: int, row: list[str], columns: list[str], seen: dict[str, int]) -> CheckedLine:
    """The line, checked; `seen` are the skus of the lines before, by line."""
    if len(row) != len(columns):
        return CheckedLine(
            line=number, sku="", refused=f"has {len(row)} fields where the header has {len(columns)}"
        )
    fields = dict(zip(columns, row, strict=True))
    sku = fields["sku"].strip()
    try:
        details = _details(fields | {"sku": sku})
    except ValueError as error:
        return CheckedLine(line=number, sku=sku[:_SHOWN], refused=_reason(error))
    earlier = seen.setdefault(sku, number)
    if earlier != number:
        return CheckedLine(line=number, sku=sku, refused=f"sku: stands on line {earlier} already")
    return CheckedLine(line=number, sku=sku, details=details)


def _details(fields: dict[str, str]) -> ProductDetails:
    """What the fields say of the product; raises ValueError (pydantic's ValidationError is one)."""
    amount, active = fields["price_amount"].strip(), fields.get("active", "").strip().lower()
    if not (amount.isascii() and amount.isdecimal() and len(amount) <= _SHOWN):
        raise ValueError("price_amount: is no whole number of minor units (790 for 7.90 EUR)")
    if active not in _TRUTH:
        raise ValueError("active: is neither true nor false")
    values: dict[str, Any] = {name: fields[name] for name in ("sku", "name", "description")}
    return ProductDetails(
        **values,
        category=fields["category"].strip(),
        price=Money(amount=int(amount), currency=fields["price_currency"].strip()),
        active=_TRUTH[active],
    )


def _reason(error: ValueError) -> str:
    """What is wrong with a line, in the columns' names and without what the line says."""
    if not isinstance(error, ValidationError):
        return str(error)
    named = {"currency": "price_currency", "amount": "price_amount", "price": "price_amount"}
    return "; ".join(
        f"{named.get(str(problem['loc'][-1]), problem['loc'][-1])}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in error.errors(include_url=False, include_input=False)
    )
