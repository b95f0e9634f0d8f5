"""Pieces of an order: the bought ones, the returned ones, and the money for them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated

from shared.money import Money
from shared.record import About, Record

type Pieces = Mapping[str, int]
"""How many pieces of each sku."""

Sku = Annotated[str, About(description="Stock-keeping unit", examples=["TEA-ASSAM-100"])]
Quantity = Annotated[int, About(ge=1, description="Pieces", examples=[1])]


class BoughtLine(Record):
    """A line of the order, with the price of one piece."""

    sku: Sku
    quantity: Quantity
    unit_price: Money


class PieceLine(Record):
    """Some pieces of one sku."""

    sku: Sku
    quantity: Quantity


def lines_of(pieces: Pieces) -> list[PieceLine]:
    """`pieces` as lines; a sku without a piece has none."""
    return [PieceLine(sku=sku, quantity=quantity) for sku, quantity in pieces.items() if quantity]


def pieces_in(*lists: Iterable[PieceLine]) -> Counter[str]:
    """How many pieces of each sku the lists have together."""
    counted: Counter[str] = Counter()
    for lines in lists:
        for line in lines:
            counted[line.sku] += line.quantity
    return counted


def value_of(pieces: Pieces, bought: Iterable[BoughtLine], currency: str) -> Money:
    """The price at which `pieces` were bought."""
    prices = {line.sku: line.unit_price for line in bought}
    value = Money.zero(currency)
    for sku, quantity in pieces.items():
        value += prices[sku] * quantity
    return value


def refund_for(
    accepted: Pieces, accepted_before: Pieces, bought: Iterable[BoughtLine], shipping: Money
) -> Money:
    """What is paid back for `accepted` pieces: their price, and the shipping with the order's last pieces.

    `accepted_before` are the order's pieces that earlier inspections accepted. So the refunds of an order add up to
    what its customer paid, and to no more.
    """
    bought = list(bought)
    refund = value_of(accepted, bought, shipping.currency)
    if not any(accepted.values()):
        return refund
    together = Counter(accepted_before) + Counter(accepted)
    whole = all(together[line.sku] >= line.quantity for line in bought)
    return refund + shipping if whole else refund
