"""A week's page and sheet: their content, their accessibility, and the same bytes for the same figures."""

import csv
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.domain.charts import Bar, bars
from reports.domain.figures import Figures
from reports.domain.formatting import amount, shortened
from reports.domain.sheet import COLUMNS, sheet_of
from shared.money import Money
from tests.unit.reports_week import HOSTILE, no_figures, page_of, some_figures
from tools.settings import REPOSITORY

GOLDEN = Path(__file__).parent / "golden"
BOTH = [pytest.param(some_figures(), id="a week"), pytest.param(no_figures(), id="an empty week")]


def parsed(page: bytes) -> ElementTree.Element:
    """The page's root; it is well-formed XML but for its void elements."""
    text = re.sub(r"<(meta[^>]*)>", r"<\1/>", page.decode())
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def rows(sheet: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(sheet.decode("utf-8-sig"), newline="")))


def table(page: bytes, caption: str) -> list[list[str]]:
    """The cells of the table of that caption, its foot included."""
    (found,) = [each for each in parsed(page).iter("table") if each.findtext("caption") == caption]
    return [["".join(cell.itertext()) for cell in row] for row in found.iter("tr")]


@pytest.mark.parametrize(("name", "figures"), [("week", some_figures()), ("empty", no_figures())])
def test_the_bytes_equal_the_reviewed_golden_files(name: str, figures: Figures):
    """`python tests/unit/test_reports_page.py` renews them; look at the pages in a browser before committing them."""
    assert page_of(figures) == (GOLDEN / f"report-{name}.html").read_bytes()
    assert sheet_of(figures) == (GOLDEN / f"report-{name}.csv").read_bytes()


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_bytes_do_not_depend_on_chance(seed: str):
    """Another process iterates over its sets in another order."""
    script = (
        "import sys; from tests.unit.reports_week import page_of, some_figures; "
        "from reports.domain.sheet import sheet_of; week = some_figures(); "
        "sys.stdout.buffer.write(page_of(week) + sheet_of(week))"
    )
    made = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script],
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    assert made.stdout == page_of(some_figures()) + sheet_of(some_figures())


@pytest.mark.parametrize("figures", BOTH)
def test_the_page_needs_no_other_file(figures: Figures):
    page = page_of(figures)
    tags = {element.tag for element in parsed(page).iter()}
    assert not tags & {"script", "img", "link", "iframe", "image", "use"}
    assert not re.search(r"https?://|url\((?!#)|@import|src=", page.decode())


@pytest.mark.parametrize("figures", BOTH)
def test_the_page_can_be_read_by_everybody(figures: Figures):
    """WCAG 2.2 as far as it is decidable: language, title, headings, names of charts, heads of tables."""
    root = parsed(page_of(figures))
    assert root.get("lang") == "en"
    assert root.findtext("head/title") == "Cartwright: week 2026-W10"
    assert next(each.tag for each in root.iter() if re.fullmatch(r"h\d", each.tag)) == "h1"
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids))
    for chart in root.iter("svg"):
        assert chart.get("role") == "img"
        assert set(chart.attrib["aria-labelledby"].split()) <= set(ids)
    for each in root.iter("table"):
        assert each.findtext("caption")
        assert all(head.get("scope") in {"col", "row"} for head in each.iter("th"))


def test_every_chart_has_a_table_beside_it_with_its_numbers():
    sections = [
        each for each in parsed(page_of(some_figures())).iter("section") if each.find(".//svg") is not None
    ]
    assert len(sections) == 6
    for section in sections:
        shown = [text.text or "" for text in section.iterfind(".//svg/text[@class='n']")]
        cells = {"".join(cell.itertext()) for cell in section.iterfind("table//td")}
        assert shown
        assert all(number.split(" of ")[0] in cells for number in shown)


def test_bars_that_are_compared_differ_in_pattern_and_are_named():
    (chart, *_) = parsed(page_of(some_figures())).iter("svg")
    fills = {bar.get("style", "solid") for bar in chart.iter("rect") if bar.get("class") == "bar"}
    assert fills == {"solid", "fill:url(#orders-hatch)"}
    assert {"Placed", "Confirmed, standing"} <= {text.text for text in chart.iter("text")}


def test_the_page_shows_the_weeks_figures():
    page = page_of(some_figures())
    facts = {each.findtext("dt"): each.findtext("dd/b") for each in parsed(page).iterfind(".//dl/div")}
    assert facts["Revenue"] == "50.00\N{NO-BREAK SPACE}CHF, 34.90\N{NO-BREAK SPACE}EUR"
    assert facts["Orders placed"] == "7"
    assert facts["Orders that stand"] == "2"
    assert facts["Reversed revenue"] == "20.00\N{NO-BREAK SPACE}EUR"
    assert table(page, "Rejections by reason")[1:] == [
        ["Payment declined", "2"],
        ["Out of stock", "1"],
        ["All", "3"],
    ]
    assert table(page, "Revenue by day, EUR")[1] == ["Mon 2", "34.90"]
    assert table(page, "Products that ran low")[1] == ["Assam", "TEA-ASSAM", "2", "5"]


def test_a_week_without_orders_says_so():
    page = page_of(no_figures())
    notes = [each.text for each in parsed(page).iter("p") if each.get("class") == "none"]
    assert notes == [
        "No orders.",
        "No revenue.",
        "No order was rejected.",
        "Nothing was sold.",
        "No other product could be ordered.",
        "No product ran low.",
    ]
    assert not list(parsed(page).iter("svg"))
    assert table(page, "Orders by day")[-1] == ["Week", "0", "0"]


def test_a_products_name_becomes_neither_markup_nor_a_formula():
    page, sheet = page_of(some_figures()), sheet_of(some_figures())
    assert "<script>" not in page.decode()
    assert "\u202e" not in page.decode() + sheet.decode()
    named = [row["name"] for row in rows(sheet) if row["key"] == "TEA-DARJ"]
    assert named and all(name.startswith("'=<script>") for name in named)
    assert HOSTILE.startswith("=")


def test_the_sheet_has_every_number_of_the_week_in_minor_units():
    sheet = rows(sheet_of(some_figures()))
    assert tuple(sheet[0]) == COLUMNS
    assert {row["week"] for row in sheet} == {"2026-W10"}
    money = {(row["measure"], row["currency"]): row["value"] for row in sheet if row["section"] == "money"}
    assert money == {
        ("revenue", "CHF"): "5000",
        ("revenue", "EUR"): "3490",
        ("reversals", "EUR"): "2000",
        ("refunds", "EUR"): "3490",
    }
    assert (
        sum(int(row["value"]) for row in sheet if row["section"] == "day" and row["measure"] == "placed") == 7
    )


def test_a_very_small_bar_is_visible_and_a_bar_of_zero_is_not_drawn():
    chart = bars("c", "t", [Bar("a", 1_000_000, "1,000,000"), Bar("b", 1, "1"), Bar("c", 0, "0")])
    assert re.findall(r'class="bar"[^>]* width="(\d+)"', chart) == ["280", "2"]


@pytest.mark.parametrize(
    ("money", "shown"),
    [((123_450, "EUR"), "1,234.50\xa0EUR"), ((1_234, "JPY"), "1,234\xa0JPY"), ((-5, "EUR"), "-0.05\xa0EUR")],
)
def test_an_amount_is_shown_in_major_units(money: tuple[int, str], shown: str):
    assert amount(Money(amount=money[0], currency=money[1])) == shown


def test_a_label_that_is_too_long_ends_in_an_ellipsis():
    assert shortened("Darjeeling First Flush", 10) == "Darjeelin…"
    assert shortened("Darjeeling", 10) == "Darjeeling"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for golden, made in (("week", some_figures()), ("empty", no_figures())):
        (GOLDEN / f"report-{golden}.html").write_bytes(page_of(made))
        (GOLDEN / f"report-{golden}.csv").write_bytes(sheet_of(made))
