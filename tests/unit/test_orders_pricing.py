"""The price of an order: prices with VAT in them, shipping by zone and threshold, the tax that the total contains."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.pricing import (
    HOME_COUNTRY,
    TARIFFS,
    VAT_RATES,
    Breakdown,
    CurrencyNotServed,
    MixedCurrencies,
    OrderLine,
    tax_contained,
)
from shared.money import Money

EUR = TARIFFS["EUR"]


def line(amount: int, quantity: int = 1, currency: str = "EUR") -> OrderLine:
    return OrderLine(sku="TEA", quantity=quantity, unit_price=Money(amount=amount, currency=currency))


def amounts(breakdown: Breakdown) -> tuple[int, int, int, int]:
    parts = (breakdown.lines, breakdown.shipping, breakdown.tax.amount, breakdown.total)
    assert {part.currency for part in parts} == {"EUR"}
    lines, shipping, tax, total = (part.amount for part in parts)
    return lines, shipping, tax, total


def test_a_parcel_within_the_home_country() -> None:
    # 15.80 + 4.90 = 20.70; its tax is 20.70 x 19 / 119 = 3.305
    assert amounts(Breakdown.of([line(790, 2)], "DE")) == (1580, 490, 331, 2070)


def test_a_parcel_to_another_member_state_bears_its_rate() -> None:
    breakdown = Breakdown.of([line(790, 2)], "AT")
    # 15.80 + 12.90 = 28.70; its tax is 28.70 x 20 / 120 = 4.783
    assert amounts(breakdown) == (1580, 1290, 478, 2870)
    assert (breakdown.tax.country, breakdown.tax.rate_basis_points) == ("AT", 2000)


@pytest.mark.parametrize("country", ["CH", "US", "GB", "XX"])
def test_an_export_costs_the_same_and_contains_no_tax(country: str) -> None:
    breakdown = Breakdown.of([line(790, 2)], country)
    assert amounts(breakdown) == (1580, 1290, 0, 2870)
    assert breakdown.tax.rate_basis_points == 0


@pytest.mark.parametrize(
    ("lines", "shipping"), [(4999, EUR.home), (5000, 0), (5001, 0), (0, EUR.home), (1, EUR.home)]
)
def test_shipping_is_free_from_the_threshold_that_the_lines_reach_by_themselves(
    lines: int, shipping: int
) -> None:
    assert Breakdown.of([line(lines)], HOME_COUNTRY).shipping.amount == shipping


def test_shipping_is_free_from_the_same_threshold_everywhere() -> None:
    assert Breakdown.of([line(5000)], "CH").shipping.amount == 0


def test_a_currency_without_a_tariff_is_refused() -> None:
    with pytest.raises(CurrencyNotServed) as refused:
        Breakdown.of([line(790, currency="CHF")], "CH")
    assert (refused.value.status, refused.value.code) == (422, "currency-not-served")


def test_two_currencies_are_refused() -> None:
    with pytest.raises(MixedCurrencies):
        Breakdown.of([line(790), line(790, currency="CHF")], "CH")


@pytest.mark.parametrize(
    ("gross", "rate", "tax"),
    [(119, 1900, 19), (3, 2000, 1), (2, 2000, 0), (9, 2000, 2), (0, 1900, 0), (10**30, 0, 0), (15, 2000, 3)],
)
def test_the_tax_in_an_amount_is_rounded_half_up(gross: int, rate: int, tax: int) -> None:
    assert tax_contained(gross, rate) == tax


@given(st.integers(0, 10**15), st.sampled_from([0, *VAT_RATES.values()]))
def test_the_tax_is_gross_times_rate_over_one_plus_rate_rounded_half_up(gross: int, rate: int) -> None:
    """Against exact decimal arithmetic."""
    exact = Decimal(gross) * rate / (10_000 + rate)
    assert tax_contained(gross, rate) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 999)), min_size=1, max_size=50),
    st.sampled_from([*VAT_RATES, "CH"]),
)
def test_the_parts_add_up_and_the_tax_is_within_the_total(
    basket: list[tuple[int, int]], country: str
) -> None:
    lines, shipping, tax, total = amounts(Breakdown.of([line(*entry) for entry in basket], country))

    assert lines == sum(amount * quantity for amount, quantity in basket)
    assert total == lines + shipping
    assert 0 <= tax <= total


def test_every_member_state_has_a_rate_that_the_directive_allows() -> None:
    """A standard rate is at least 15 % (Directive 2006/112/EC, article 97)."""
    assert len(VAT_RATES) == 27
    assert all(1500 <= rate <= 2700 for rate in VAT_RATES.values())
