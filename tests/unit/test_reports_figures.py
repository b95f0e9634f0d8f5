"""Weeks, and the sums of a week's report."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.domain.facts import Kind
from reports.domain.figures import LISTED, figures_of
from reports.domain.week import NoSuchWeek, Week, WeekNotOver
from tests.unit.reports_week import (
    MONDAY,
    PRODUCTS,
    WEEK,
    eur,
    fact,
    line,
    no_figures,
    some_figures,
    some_orders,
)

MOMENTS = st.datetimes(datetime(2000, 1, 4), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (datetime(2026, 3, 2, tzinfo=UTC), "2026-W10"),
        (datetime(2026, 3, 8, 23, 59, 59, 999_999, tzinfo=UTC), "2026-W10"),
        (datetime(2026, 3, 9, tzinfo=UTC), "2026-W11"),
        # A year's last days may be in the next one's first week, and the other way round.
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-W01"),
        (datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        # Weeks are in UTC: in Auckland it has been Monday for hours.
        (datetime(2026, 3, 9, 6, tzinfo=timezone(timedelta(hours=13))), "2026-W10"),
    ],
)
def test_a_moment_is_in_the_iso_week_of_utc(moment: datetime, week: str):
    assert str(Week.of(moment)) == week
    assert Week.named(week) == Week.of(moment)


@given(MOMENTS)
def test_a_week_has_seven_days_and_contains_its_moment(moment: datetime):
    week = Week.of(moment)
    assert moment.date() in week.days
    assert moment < week.end <= moment + timedelta(days=7)
    assert Week.before(moment).end <= moment
    assert Week.named(str(week)) == week


@pytest.mark.parametrize(
    "name",
    [
        "",
        "2026",
        "2026-10",
        "2026-W1",
        "2026-W54",
        "2025-W53",
        "2026-W00",
        "\u0662\u0660\u0662\u0666-W10",
        "0000-W01",
    ],
)
def test_a_name_that_is_no_week_is_refused(name: str):
    with pytest.raises(NoSuchWeek):
        Week.named(name)


def test_a_week_that_is_not_over_is_not_reported_on():
    with pytest.raises(WeekNotOver, match="2026-03-08"):
        WEEK.check_over(WEEK.end - timedelta(microseconds=1))
    WEEK.check_over(WEEK.end)


def test_revenue_is_that_of_the_orders_that_stand_in_each_currency():
    figures = some_figures()

    assert figures.revenue == {"CHF": 5_000, "EUR": 3_490}
    assert (figures.placed, figures.standing, figures.fulfilled) == (7, 2, 1)
    assert [day.placed for day in figures.days] == [1, 0, 1, 3, 1, 0, 1]
    assert [day.revenue for day in figures.days[:3]] == [{"EUR": 3_490}, {}, {"CHF": 5_000}]


def test_an_order_cancelled_in_its_week_made_no_revenue_and_one_of_an_earlier_week_is_reversed():
    figures = some_figures()

    assert figures.cancelled == 3
    assert (figures.reversed_orders, figures.reversals) == (1, {"EUR": 2_000})
    assert (figures.refunded_orders, figures.refunds) == (2, {"EUR": 3_490})


def test_a_later_cancellation_leaves_the_report_of_the_orders_own_week_as_it_was():
    confirmed = fact("late", Kind.CONFIRMED, 6, eur(700), lines=(line("TEA-ASSAM", 1, 700),))
    cancelled = fact("late", Kind.CANCELLED, 8, eur(700))
    assert (confirmed.week, cancelled.week) == (WEEK, Week(2026, 11))

    own = figures_of(WEEK, [confirmed], PRODUCTS, [], lambda _: False)
    next_week = figures_of(Week(2026, 11), [cancelled], PRODUCTS, [], lambda _: True)

    assert own.revenue == next_week.reversals == {"EUR": 700}
    assert next_week.revenue == {}


def test_rejections_are_counted_by_reason_the_most_frequent_first():
    assert list(some_figures().rejections.items()) == [("payment_declined", 2), ("out_of_stock", 1)]
    assert some_figures().rejected == 3


def test_several_refunds_of_an_order_are_added_up():
    refunds = [fact("o", Kind.REFUNDED, day, eur(100)) for day in (1, 2)]
    figures = figures_of(WEEK, refunds, [], [], lambda _: False)
    assert (figures.refunded_orders, figures.refunds) == (1, {"EUR": 200})


def test_best_sellers_count_the_pieces_of_orders_that_stand_with_their_revenue_in_each_currency():
    best = some_figures().best_sellers
    assert [(each.sku, each.pieces, each.revenue) for each in best] == [
        ("TEA-ASSAM", 7, {"CHF": 5_000, "EUR": 2_000}),
        ("TEA-DARJ", 1, {"EUR": 1_000}),
    ]


def test_slow_movers_can_be_ordered_and_are_no_best_sellers():
    figures = some_figures()
    assert [(each.sku, each.pieces) for each in figures.slow_movers] == [("COF-DRIP", 0)]
    assert figures.unsold == 1


def test_the_lists_are_ranked_by_pieces_and_then_by_sku_and_have_a_greatest_length():
    lines = tuple(line(f"SKU-{number:02}", 1 + number // 2, 100) for number in range(2 * LISTED))
    figures = figures_of(WEEK, [fact("o", Kind.CONFIRMED, 0, lines=lines)], [], [], lambda _: False)
    assert [each.sku for each in figures.best_sellers[:3]] == ["SKU-18", "SKU-19", "SKU-16"]
    assert len(figures.best_sellers) == LISTED


def test_a_product_that_ran_low_twice_is_listed_once_with_its_last_stock():
    (shortage,) = some_figures().low_stock
    assert (shortage.sku, shortage.name, shortage.available, shortage.threshold) == (
        "TEA-ASSAM",
        "Assam",
        2,
        5,
    )


def test_a_week_without_events_has_no_figures():
    figures = no_figures()
    assert (figures.placed, figures.revenue, figures.rejections, figures.best_sellers) == (0, {}, {}, ())


@given(st.permutations(range(7)))
def test_the_figures_do_not_depend_on_the_order_in_which_orders_are_read(order: list[int]):
    orders: dict[str, list] = {}
    for each in some_orders():
        orders.setdefault(each.order_id, []).append(each)
    ids = list(orders)
    shuffled = [ids[position] for position in order] + ids[7:]
    facts = [each for order_id in shuffled for each in reversed(orders[order_id])]
    figures = figures_of(WEEK, facts, PRODUCTS, [], lambda order_id: order_id == "of-last-week")
    assert (figures.days, figures.best_sellers) == (some_figures().days, some_figures().best_sellers)
    assert sum(day.revenue.get("EUR", 0) for day in figures.days) == figures.revenue["EUR"]
    assert MONDAY.date() == figures.week.days[0]
