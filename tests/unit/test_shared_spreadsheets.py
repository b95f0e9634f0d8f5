"""CSV that a spreadsheet may open."""

import csv
import io
import re
from pathlib import Path

import pytest

from shared.spreadsheets import csv_row

FULL_WIDTH = ["\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)"]


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        *FULL_WIDTH,
        "\t=1",
        "\r=1",
        "\n=1",
        "\tA",
        "\nA",
        "\0=1",
        "  =1",
        "\u3000=1",
    ],
)
def test_a_text_that_starts_like_a_formula_is_text(cell: str) -> None:
    [[read]] = csv.reader(io.StringIO(csv_row([cell]), newline=""))
    assert read == f"'{cell}"


def test_numbers_and_other_texts_stand_as_they_are() -> None:
    cells: list[str | int] = [-5, "a=b", 'say "hi", twice', "two\nlines", ""]
    [read] = csv.reader(io.StringIO(csv_row(cells), newline=""))
    assert read == [str(cell) for cell in cells]
    assert csv_row(["a"]) == "a\r\n"


def test_nothing_else_in_the_services_writes_csv() -> None:
    root = Path(__file__).parents[2]
    writers = [
        path.relative_to(root).as_posix()
        for part in ("services", "shared_layer/shared")
        for path in (root / part).rglob("*.py")
        if re.search(r"csv\.(writer|DictWriter)|import (writer|DictWriter)", path.read_text())
    ]
    assert writers == ["shared_layer/shared/spreadsheets.py"]
