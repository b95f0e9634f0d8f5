"""How a report writes figures, dates and texts from outside."""

import re
from datetime import date

from shared.money import Money, minor_digits

# Control characters, and characters that change the direction of text (Unicode TR 9).
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def number(value: int) -> str:
    """A number, as in 12,345."""
    return f"{value:,}"


def decimal(money: Money) -> str:
    """The amount in major units without its currency, as in 1,234.50."""
    digits = minor_digits(money.currency)
    whole, fraction = divmod(abs(money.amount), 10**digits)
    sign = "-" if money.amount < 0 else ""
    return f"{sign}{whole:,}.{fraction:0{digits}}" if digits else f"{sign}{whole:,}"


def amount(money: Money) -> str:
    """The amount with its currency on the same line, as in 1,234.50 EUR."""
    return f"{decimal(money)}\N{NO-BREAK SPACE}{money.currency}"


def weekday(day: date) -> str:
    """A day of the week, as in Mon 2."""
    return f"{_DAYS[day.weekday()]} {day.day}"


def long_date(day: date) -> str:
    """A date, as in 2 March 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def reason(code: str) -> str:
    """The orders service's code for a rejection as a phrase, as in Out of stock."""
    return plain(code).replace("_", " ").capitalize()


def plain(text: str) -> str:
    """`text` on one line, without characters that steer a display."""
    return " ".join(_STEERING.sub(" ", text).split())


def shortened(text: str, longest: int) -> str:
    """`text`, or its beginning and an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
