"""The rules of importing products from a CSV file: its format, the check of each line, and the outcome of each line.

The file is UTF-8, with or without a byte-order mark, with a header, in the form of RFC 4180 (line ends may be LF). Its
columns, in any order, are `COLUMNS`. Spreadsheets add rows without content, and columns without a name at the end. The
import leaves both out; the other rows keep the numbers of their lines. The catalogue's own rules check each line, and
refuse a bad line by itself. A file that cannot be read is refused as a whole: behind a broken quote the end of a line
is unknown.
"""

import csv
from collections.abc import Iterator
from enum import StrEnum
from io import StringIO
from itertools import batched
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from catalog.domain.product import ProductDetails
from shared.errors import PermanentError
from shared.text import has_visible
from shared.validation import words_of

REQUIRED = ("sku", "name", "description", "category", "price_amount", "price_currency")
OPTIONAL = ("active",)
COLUMNS = REQUIRED + OPTIONAL
"""`price_amount` is in minor units; `active` is true or false, and true if it is empty or missing."""

MAX_LINES = 20_000
CHUNK_LINES = 100
"""How many lines a step applies and retries together: some seconds of work."""

_BOOLEANS = {"": True, "true": True, "false": False}
_MAX_QUOTED = 64
"""How much of a bad value a reason repeats, in characters."""

_WITHHELD = "other lines were refused, and then none was to be applied"
_STOPPED = "the job was cancelled, or this part of it failed; import the line again"


class UploadRefused(PermanentError):
    """The uploaded file cannot be read as products; the message gives the admin the reason."""


class LineOutcome(StrEnum):
    """The outcome of a line."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    NOT_APPLIED = "not_applied"
    """The line is good, but the import ended before it, or was not to apply any line."""


class CheckedLine(BaseModel):
    """A line of the file, with either the details of its product or the reason why it is refused.

    `line` is the number that an editor shows for the line's start.
    """

    model_config = ConfigDict(frozen=True)

    line: int
    sku: str
    details: ProductDetails | None = None
    refused: str | None = None


class LineResult(BaseModel):
    """The outcome of a line, and the reason for it."""

    model_config = ConfigDict(frozen=True)

    line: int
    sku: str
    outcome: LineOutcome
    reason: str = ""

    @classmethod
    def of(cls, line: CheckedLine, outcome: LineOutcome, reason: str = "") -> Self:
        """The result of `line`; a refused line stays refused, with any `outcome` and `reason`."""
        if line.refused is not None:
            outcome, reason = LineOutcome.REFUSED, line.refused
        return cls(line=line.line, sku=line.sku, outcome=outcome, reason=reason)

    @classmethod
    def not_applied(cls, line: CheckedLine, *, withheld: bool) -> Self:
        """The result of a line of a chunk that was not applied.

        `withheld` says that the import was to apply no line, since it has bad ones.
        """
        return cls.of(line, LineOutcome.NOT_APPLIED, _WITHHELD if withheld else _STOPPED)


def is_withheld(on_error: str, refused: int) -> bool:
    """Whether the import applies no line, because `refused` lines are bad and the admin asked for all or none."""
    return on_error == "apply_none" and refused > 0


def check_lines(data: bytes) -> Iterator[CheckedLine]:
    """The lines of the file, each checked, without the blank ones.

    Raises UploadRefused if the file is no CSV in UTF-8 with the columns, or has no lines or too many.
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
        yield _check(number, row, columns, seen)
    if not count:
        raise UploadRefused("The file has no line after its header.")


def split_into_chunks(lines: Iterator[CheckedLine]) -> Iterator[list[CheckedLine]]:
    """The lines in chunks of at most CHUNK_LINES."""
    for chunk in batched(lines, CHUNK_LINES, strict=False):
        yield list(chunk)


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows with content, each with the number of the line on which it starts; raises UploadRefused."""
    try:
        # Programs that add a byte-order mark to a file that has one leave several.
        text = data.decode("utf-8").lstrip("\ufeff")
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
        if not _is_blank(row):
            yield start, row
        start = reader.line_num + 1


def _is_blank(cells: list[str]) -> bool:
    """Whether the cells show nothing: they hold spaces, control characters and other invisible ones alone."""
    return not has_visible("".join(cells))


def _columns(header: list[str]) -> list[str]:
    """The columns that the header names, in its order; raises UploadRefused."""
    columns = [name.strip() for name in header]
    while columns and _is_blank(columns[-1:]):
        columns.pop()
    problems = [
        *(f"lacks the column {name}" for name in REQUIRED if name not in columns),
        *(
            f"has a column {name[:_MAX_QUOTED]!r} that is not known"
            for name in dict.fromkeys(columns)
            if name not in COLUMNS
        ),
        *(f"has the column {name} twice" for name in COLUMNS if columns.count(name) > 1),
    ]
    if problems:
        raise UploadRefused(f"The header {'; '.join(problems[:10])}. The columns are {', '.join(COLUMNS)}.")
    return columns


def _check(number: int, row: list[str], columns: list[str], seen: dict[str, int]) -> CheckedLine:
    """The line, checked; `seen` are the skus of the lines before, by line."""
    if len(row) < len(columns) or not _is_blank(row[len(columns) :]):
        return CheckedLine(
            line=number, sku="", refused=f"has {len(row)} fields where the header has {len(columns)}"
        )
    fields = dict(zip(columns, row, strict=False))
    sku = fields["sku"].strip()
    try:
        details = _details(fields | {"sku": sku})
    except ValueError as error:
        return CheckedLine(line=number, sku=sku[:_MAX_QUOTED], refused=_reason(error))
    earlier = seen.setdefault(sku, number)
    if earlier != number:
        return CheckedLine(line=number, sku=sku, refused=f"sku: stands on line {earlier} already")
    return CheckedLine(line=number, sku=sku, details=details)


def _details(fields: dict[str, str]) -> ProductDetails:
    """The product's details by the line's fields; raises ValueError (pydantic's ValidationError is one)."""
    amount, active = fields["price_amount"].strip(), fields.get("active", "").strip().lower()
    if not (amount.isascii() and amount.isdecimal() and len(amount) <= _MAX_QUOTED):
        raise ValueError("price_amount: is no whole number of minor units (790 for 7.90 EUR)")
    if active not in _BOOLEANS:
        raise ValueError("active: is neither true nor false")
    return ProductDetails.model_validate(
        {
            **{name: fields[name] for name in ("sku", "name", "description")},
            "category": fields["category"].strip(),
            "price": {"amount": int(amount), "currency": fields["price_currency"].strip()},
            "active": _BOOLEANS[active],
        }
    )


def _reason(error: ValueError) -> str:
    """The reason why a line is refused: it names the columns, and repeats none of the line's values."""
    if not isinstance(error, ValidationError):
        return str(error)
    named = {"currency": "price_currency", "amount": "price_amount", "price": "price_amount"}
    return "; ".join(
        f"{named.get(str(problem['loc'][-1]), problem['loc'][-1])}: {words_of(problem)}"
        for problem in error.errors(include_url=False, include_input=False)
    )
