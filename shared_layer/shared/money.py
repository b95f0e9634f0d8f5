"""Money: whole minor units of one currency. No amount is ever a float."""

from typing import Annotated, Self

from shared.record import About, Record
from shared.text import Form

CurrencyCode = Annotated[
    str,
    About(description="ISO 4217 code", examples=["EUR"]),
    Form(r"^[A-Z]{3}$", "Write the currency's code in three capital letters (ISO 4217), as in EUR"),
]

# The ISO 4217 currencies that shops meet and whose minor unit is not a hundredth.
_MINOR_DIGITS = {
    "BHD": 3,
    "CLP": 0,
    "ISK": 0,
    "JOD": 3,
    "JPY": 0,
    "KRW": 0,
    "KWD": 3,
    "TND": 3,
    "UGX": 0,
    "VND": 0,
}
_USUAL_MINOR_DIGITS = 2


def minor_digits(currency: str) -> int:
    """How many digits of an amount in minor units of `currency` are behind the decimal point."""
    return _MINOR_DIGITS.get(currency, _USUAL_MINOR_DIGITS)


class CurrencyMismatch(ValueError):
    """Amounts of different currencies cannot be added."""


class Money(Record):
    """An amount in minor units (cents for EUR) of an ISO 4217 currency."""

    amount: Annotated[int, About(description="Minor units, for example cents", examples=[1999])]
    currency: CurrencyCode

    @classmethod
    def zero(cls, currency: str) -> Self:
        """The amount 0, in `currency`."""
        return cls(amount=0, currency=currency)

    def __add__(self, other: "Money") -> "Money":
        """The sum; raises CurrencyMismatch when the currencies differ."""
        if other.currency != self.currency:
            raise CurrencyMismatch(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __mul__(self, quantity: int) -> "Money":
        """`quantity` times this amount."""
        return Money(amount=self.amount * quantity, currency=self.currency)
