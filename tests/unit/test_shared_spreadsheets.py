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


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n=1", "'\n'=1"),
        ("Tea;=1+1", "Tea;'=1+1"),
        ("Tea; =1+1;+2", "Tea;' =1+1;'+2"),
        ("Tea\n=1+1", "Tea\n'=1+1"),
        ("Tea\t@SUM(A1)", "Tea\t'@SUM(A1)"),
        ("Tea;\uff1d1+1", "Tea;'\uff1d1+1"),
    ],
)
def test_a_formula_behind_a_separator_of_other_countries_is_text(cell: str, written: str) -> None:
    [[read]] = csv.reader(io.StringIO(csv_row([cell]), newline=""))
    assert read == written


@pytest.mark.parametrize("separator", [";", "\t"])
def test_no_cell_is_a_formula_for_a_spreadsheet_that_separates_otherwise(separator: str) -> None:
    line = csv_row(["Tea", f"green{separator} =1+1{separator}-2", "two\n=3", 7])
    cells = re.split(rf"[{separator}\r\n]", line)
    assert [cell for cell in cells if re.match(r"\s*[=+@-]", cell)] == []


def test_numbers_and_other_texts_stand_as_they_are() -> None:
    cells: list[str | int] = [-5, "a=b", 'say "hi", twice', "two\nlines", "red; green", ""]
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
