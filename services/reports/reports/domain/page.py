"""A week's report as one HTML page without further files: charts that need no colour, each beside a table.

Every value from outside is escaped. Nothing depends on the clock or on chance, so the same figures make the same bytes.
"""

from collections.abc import Sequence
from html import escape
from string import Template

from reports.domain.charts import Bar, Series, bars, columns
from reports.domain.figures import Amounts, Figures, ProductSales, Returned, money
from reports.domain.formatting import amount, decimal, long_date, number, plain, reason, weekday
from shared.money import Money

type Row = Sequence[str]


def page_of(figures: Figures, template: Template) -> bytes:
    """The page, in UTF-8, which puts its parts into `template`."""
    first, last = figures.week.days[0], figures.week.days[-1]
    sections = [
        _orders(figures),
        *(_revenue(figures, currency) for currency in figures.currencies or [""]),
        _rejections(figures),
        _best_sellers(figures),
        _slow_movers(figures),
        _low_stock(figures),
        *([_returned(figures)] if figures.returned else []),
    ]
    page = template.substitute(
        week=str(figures.week),
        period=f"Monday {long_date(first)} to Sunday {long_date(last)}, in UTC",
        summary="\n".join(_fact(*fact) for fact in _summary(figures)),
        sections="\n".join(sections),
    )
    return page.encode()


def _summary(figures: Figures) -> list[tuple[str, str, str]]:
    """The name of each number, the number, and its explanation."""
    return [
        ("Orders placed", number(figures.placed), "including orders rejected or cancelled later"),
        (
            "Orders that stand",
            number(figures.standing),
            "confirmed in this week, and not cancelled by its end",
        ),
        ("Revenue", _sums(figures.revenue), "total of the orders that stand, with shipping and VAT"),
        ("Orders rejected", number(figures.rejected), "by reason below"),
        (
            "Orders cancelled",
            number(figures.cancelled),
            f"{number(figures.reversed_orders)} of them confirmed in earlier weeks",
        ),
        ("Orders fulfilled", number(figures.fulfilled), "parcel dispatched and payment captured"),
        ("Refunds", _sums(figures.refunds), f"paid back for {_orders_of(figures.refunded_orders)}"),
        (
            "Reversed revenue",
            _sums(figures.reversals),
            "of orders confirmed in earlier weeks and cancelled in this one",
        ),
    ]


def _orders(figures: Figures) -> str:
    days = [weekday(day) for day in figures.week.days]
    placed = [day.placed for day in figures.days]
    standing = [day.standing for day in figures.days]
    chart = columns(
        "orders",
        "Orders placed, and confirmed orders that stand, by day",
        days,
        [
            Series("Placed", placed, [number(value) for value in placed]),
            Series("Confirmed, standing", standing, [number(value) for value in standing]),
        ],
    )
    rows = [(day, number(a), number(b)) for day, a, b in zip(days, placed, standing, strict=True)]
    total = ("Week", number(sum(placed)), number(sum(standing)))
    table = _table("Orders by day", ("Day", "Placed", "Confirmed, standing"), rows, total)
    return _section("Orders", chart if any(placed + standing) else _none("No orders."), table)


def _revenue(figures: Figures, currency: str) -> str:
    """The revenue in one currency. Without a currency, the section says "No revenue."."""
    if not currency:
        return _section("Revenue", _none("No revenue."), "")
    days = [weekday(day) for day in figures.week.days]
    amounts = [Money(amount=day.revenue.get(currency, 0), currency=currency) for day in figures.days]
    shown = [decimal(each) for each in amounts]
    chart = columns(
        f"revenue-{currency.lower()}",
        f"Revenue in {currency} by day of confirmation",
        days,
        [Series("Revenue", [each.amount for each in amounts], shown)],
    )
    total = decimal(Money(amount=figures.revenue.get(currency, 0), currency=currency))
    table = _table(
        f"Revenue by day, {currency}",
        ("Day", currency),
        list(zip(days, shown, strict=True)),
        ("Week", total),
    )
    return _section(
        f"Revenue, {currency}",
        chart if figures.revenue.get(currency) else _none(f"No revenue in {currency}."),
        table,
    )


def _rejections(figures: Figures) -> str:
    if not figures.rejections:
        return _section("Rejections by reason", _none("No order was rejected."), "")
    rows = [(reason(word), orders) for word, orders in figures.rejections.items()]
    chart = bars(
        "rejections", "Rejected orders by reason", [Bar(word, count, number(count)) for word, count in rows]
    )
    table = _table(
        "Rejections by reason",
        ("Reason", "Orders"),
        [(word, number(count)) for word, count in rows],
        ("All", number(figures.rejected)),
    )
    return _section("Rejections by reason", chart, table)


def _best_sellers(figures: Figures) -> str:
    if not figures.best_sellers:
        return _section("Best sellers", _none("Nothing was sold."), "")
    return _section(
        "Best sellers",
        _pieces("best-sellers", "Pieces sold of the best sellers", figures.best_sellers),
        _table(
            "Best sellers, by pieces in orders that stand",
            ("Product", "SKU", "Pieces", "Revenue"),
            [_sales_row(product) for product in figures.best_sellers],
        ),
    )


def _slow_movers(figures: Figures) -> str:
    note = f'<p class="note">{_products_that(figures.unsold)} had no sales in this week.</p>'
    if not figures.slow_movers:
        return _section("Slow movers", _none("No other product could be ordered."), "")
    sold = any(product.pieces for product in figures.slow_movers)
    chart = _pieces("slow-movers", "Pieces sold of the slow movers", figures.slow_movers) if sold else ""
    return _section(
        "Slow movers",
        note + chart,
        _table(
            "Products on sale with the fewest pieces sold",
            ("Product", "SKU", "Pieces", "Revenue"),
            [_sales_row(product) for product in figures.slow_movers],
        ),
    )


def _low_stock(figures: Figures) -> str:
    if not figures.low_stock:
        return _section("Low stock", _none("No product ran low."), "")
    rows = [
        (plain(each.name), each.sku, number(each.available), number(each.threshold))
        for each in figures.low_stock
    ]
    note = (
        '<p class="note">The stock when each product last ran low in this week, without later deliveries.</p>'
    )
    table = _table("Products that ran low", ("Product", "SKU", "Available", "Threshold"), rows)
    shown = [
        Bar(plain(each.name), each.available, f"{number(each.available)} of {number(each.threshold)}")
        for each in figures.low_stock
    ]
    chart = bars("low-stock", "Available pieces of the products that ran low, and their thresholds", shown)
    return _section("Low stock", note + chart, table)


def _returned(figures: Figures) -> str:
    """The returned pieces. A week without any has no such section, as in the reports from before there were returns."""
    rows = [(plain(each.name), each.sku, number(each.pieces)) for each in figures.returned]
    total = ("All", "", number(sum(each.pieces for each in figures.returned)))
    return _section(
        "Returns",
        _pieces("returns", "Returned pieces by product", figures.returned),
        _table("Returned pieces that were accepted", ("Product", "SKU", "Pieces"), rows, total),
    )


def _pieces(chart_id: str, title: str, products: Sequence[ProductSales | Returned]) -> str:
    return bars(
        chart_id, title, [Bar(plain(each.name), each.pieces, number(each.pieces)) for each in products]
    )


def _sales_row(product: ProductSales) -> Row:
    return plain(product.name), product.sku, number(product.pieces), _sums(product.revenue)


def _section(heading: str, chart: str, table: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n<div>{chart}</div>\n{table}\n</section>"


def _table(caption: str, head: Row, rows: Sequence[Row], total: Row | None = None) -> str:
    """A table whose first cells are the rows' headings. Columns of numbers are aligned to the right."""
    numeric = [index for index, name in enumerate(head) if name not in {"Day", "Reason", "Product", "SKU"}]
    body = "\n".join(_row(row, numeric) for row in rows)
    foot = f"\n<tfoot>{_row(total, numeric)}</tfoot>" if total else ""
    heads = "".join(
        f'<th scope="col"{_kind(index, numeric)}>{escape(name)}</th>' for index, name in enumerate(head)
    )
    return (
        f"<table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>{foot}\n</table>"
    )


def _row(cells: Row, numeric: Sequence[int]) -> str:
    first, *others = cells
    rest = "".join(
        f"<td{_kind(index, numeric)}>{escape(cell)}</td>" for index, cell in enumerate(others, start=1)
    )
    return f'<tr><th scope="row">{escape(first)}</th>{rest}</tr>'


def _kind(index: int, numeric: Sequence[int]) -> str:
    return ' class="number"' if index in numeric else ""


def _fact(name: str, value: str, meaning: str) -> str:
    return f"<div><dt>{escape(name)}</dt><dd><b>{escape(value)}</b> <span>{escape(meaning)}</span></dd></div>"


def _none(text: str) -> str:
    return f'<p class="none">{escape(text)}</p>'


def _sums(amounts: Amounts) -> str:
    return ", ".join(map(amount, money(amounts))) or "0"


def _orders_of(count: int) -> str:
    return "1 order" if count == 1 else f"{number(count)} orders"


def _products_that(count: int) -> str:
    return "1 product" if count == 1 else f"{number(count)} products"
