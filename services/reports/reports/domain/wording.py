"""How figures are written for people, and what comes from outside is made harmless to show."""

import re
from datetime import date

from shared.money import Money, minor_digits

# Control characters, and those that reverse the direction of what follows them (Unicode TR 9).
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def number(value: int) -> str:
    """12,345."""
    return f"{value:,}"


def decimal(money: Money) -> str:
    """The amount in major units without its currency: 1,234.50."""
    digits = minor_digits(money.currency)
    whole, fraction = divmod(abs(money.amount), 10**digits)
    sign = "-" if money.amount < 0 else ""
    return f"{sign}{whole:,}.{fraction:0{digits}}" if digits else f"{sign}{whole:,}"


def amount(money: Money) -> str:
    """The same with its currency, which stays on its line: 1,234.50 EUR."""
    return f"{decimal(money)}\N{NO-BREAK SPACE}{money.currency}"


def weekday(day: date) -> str:
    """Mon 2."""
    return f"{_DAYS[day.weekday()]} {day.day}"


def long_date(day: date) -> str:
    """2 March 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def reason(word: str) -> str:
    """The orders service's word for why an order could not stand, as a phrase: Out of stock."""
    return plain(word).replace("_", " ").capitalize()


def plain(text: str) -> str:
    """`text` on one line, without characters that steer how it is shown."""
    return " ".join(_STEERING.sub(" ", text).split())


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
