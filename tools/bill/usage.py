"""What is used, and what that costs: a usage names its price in prices.json."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

_PRICES = Path(__file__).parent / "prices.json"


@dataclass(frozen=True)
class Usage:
    """So much of something that AWS sells, and its cause: a function, a table or its index, a kind of log line."""

    service: str
    cause: str
    price: str
    quantity: float

    @property
    def dollars(self) -> float:
        """What it costs."""
        listed = prices()[self.price]
        return float(self.quantity * listed["dollars"] / listed["per"])

    @property
    def unit(self) -> str:
        """What the quantity counts."""
        return str(prices()[self.price]["unit"])

    def times(self, factor: float) -> "Usage":
        """The same, so many times."""
        return replace(self, quantity=self.quantity * factor)


def added(usages: Iterable[Usage]) -> list[Usage]:
    """The usages added up by cause and price, the dearest first, without the zeros."""
    sums: dict[tuple[str, str, str], float] = {}
    for usage in usages:
        key = (usage.service, usage.cause, usage.price)
        sums[key] = sums.get(key, 0) + usage.quantity
    together = [Usage(*key, quantity) for key, quantity in sums.items() if quantity]
    return sorted(together, key=lambda usage: -usage.dollars)


@cache
def price_list() -> dict[str, Any]:
    """The file of prices."""
    found: dict[str, Any] = json.loads(_PRICES.read_text(encoding="utf-8"))
    return found


def prices() -> dict[str, Any]:
    """Each price by its name: `dollars` for `per` of a `unit`."""
    found: dict[str, Any] = price_list()["prices"]
    return found
