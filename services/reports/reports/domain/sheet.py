"""A week's figures as CSV (RFC 4180), one number per line, so that the sheets of several weeks can be concatenated.

Amounts are in minor units. The encoding is UTF-8 with a byte order mark, so that spreadsheets recognise it.
"""

from collections.abc import Iterator

from reports.domain.figures import Amounts, Figures, ProductSales
from reports.domain.formatting import plain
from shared.spreadsheets import csv_row

COLUMNS = ("week", "section", "key", "name", "measure", "value", "currency")

type Row = tuple[str, str, str, str, int, str]


def sheet_of(figures: Figures) -> bytes:
    """The figures as CSV."""
    rows = (
        csv_row([str(figures.week), section, plain(key), plain(name), measure, value, currency])
        for section, key, name, measure, value, currency in _rows(figures)
    )
    return "".join([csv_row(COLUMNS), *rows]).encode("utf-8-sig")


def _rows(figures: Figures) -> Iterator[Row]:
    for measure, value in (
        ("placed", figures.placed),
        ("standing", figures.standing),
        ("rejected", figures.rejected),
        ("cancelled", figures.cancelled),
        ("fulfilled", figures.fulfilled),
        ("reversed", figures.reversed_orders),
        ("refunded", figures.refunded_orders),
    ):
        yield "orders", "", "", measure, value, ""
    for measure, amounts in (
        ("revenue", figures.revenue),
        ("reversals", figures.reversals),
        ("refunds", figures.refunds),
    ):
        yield from _amounts("money", "", "", measure, amounts)
    for date, day in zip(figures.week.days, figures.days, strict=True):
        yield "day", date.isoformat(), "", "placed", day.placed, ""
        yield "day", date.isoformat(), "", "standing", day.standing, ""
        yield from _amounts("day", date.isoformat(), "", "revenue", day.revenue)
    for reason, orders in figures.rejections.items():
        yield "rejections", reason, "", "orders", orders, ""
    yield from _products("best_sellers", figures.best_sellers)
    yield from _products("slow_movers", figures.slow_movers)
    yield "slow_movers", "", "", "unsold", figures.unsold, ""
    for shortage in figures.low_stock:
        yield "low_stock", shortage.sku, shortage.name, "available", shortage.available, ""
        yield "low_stock", shortage.sku, shortage.name, "threshold", shortage.threshold, ""
    for returned in figures.returned:
        yield "returns", returned.sku, returned.name, "pieces", returned.pieces, ""


def _products(section: str, products: tuple[ProductSales, ...]) -> Iterator[Row]:
    for product in products:
        yield section, product.sku, product.name, "pieces", product.pieces, ""
        yield from _amounts(section, product.sku, product.name, "revenue", product.revenue)


def _amounts(section: str, key: str, name: str, measure: str, amounts: Amounts) -> Iterator[Row]:
    for currency, value in amounts.items():
        yield section, key, name, measure, value, currency
