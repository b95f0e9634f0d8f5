"""Money is whole minor units of one currency."""

from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.money import CurrencyMismatch, Money
from shared.record import ValidationError

AMOUNTS = st.integers(min_value=-(10**12), max_value=10**12)


def test_amounts_of_one_currency_add_up() -> None:
    assert Money(amount=1999, currency="EUR") + Money(amount=1, currency="EUR") == Money(
        amount=2000, currency="EUR"
    )


def test_amounts_of_two_currencies_do_not_add_up() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(amount=1, currency="EUR") + Money(amount=1, currency="USD")


@given(AMOUNTS, st.integers(min_value=0, max_value=50))
def test_a_quantity_costs_as_much_as_its_pieces_added_up(amount: int, quantity: int) -> None:
    total = Money.zero("EUR")
    for _ in range(quantity):
        total = total + Money(amount=amount, currency="EUR")
    assert Money(amount=amount, currency="EUR") * quantity == total


@pytest.mark.parametrize(
    "broken",
    [
        {"amount": 19.99, "currency": "EUR"},
        {"amount": 1, "currency": "eur"},
        {"amount": 1, "currency": "EURO"},
    ],
)
def test_fractions_and_unknown_currency_codes_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate(broken)
    with pytest.raises(pydantic.ValidationError):
        TypeAdapter(Money).validate_python(broken)
