"""CSV that a spreadsheet may open."""

import csv
import io

import pytest

from shared.spreadsheets import csv_row


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_starts_like_a_formula_is_text(cell: str) -> None:
    [[read]] = csv.reader(io.StringIO(csv_row([cell]), newline=""))
    assert read == f"'{cell}"


def test_numbers_and_other_texts_stand_as_they_are() -> None:
    cells: list[str | int] = [-5, "a=b", 'say "hi", twice', "two\nlines", ""]
    [read] = csv.reader(io.StringIO(csv_row(cells), newline=""))
    assert read == [str(cell) for cell in cells]
    assert csv_row(["a"]) == "a\r\n"
