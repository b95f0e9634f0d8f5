"""The price of an order: the shop's policy for shipping and tax, in one place.

- **Prices** in the catalogue include VAT, as consumers in the EU are shown them (Directive 98/6/EC). An order is priced
  once, when it is placed, and keeps that.
- **Shipping** costs a flat rate by zone, within the home country or out of it. It is free once the lines alone reach a
  threshold. Both are set by currency; a currency without a tariff is not served.
- **Total** is the sum of the lines and the shipping; the customer is charged that.
- **Tax** is the VAT that the total contains, at the standard rate of the country that the parcel goes to. The rule is
  that of distance sales within the EU: Directive 2006/112/EC, articles 33 and 369a onwards. Shipping shares the rate of
  its goods. Out of the EU it is an export, which contains no VAT: the recipient pays the taxes of their own country.
  Reduced rates, and territories with rates of their own, are left out.

All amounts are whole minor units; the tax is rounded once, half up.
"""

from functools import reduce
from typing import Annotated, Self

from shared.errors import Unprocessable
from shared.money import Money
from shared.record import About, Record

HOME_COUNTRY = "DE"

# The standard VAT rates of the EU's member states in hundredths of a percent, by ISO 3166-1 code, as of 2026-01-01:
# https://taxation-customs.ec.europa.eu/taxation/vat/vat-directive/vat-rates_en
VAT_RATES = {
    "AT": 2000,
    "BE": 2100,
    "BG": 2000,
    "CY": 1900,
    "CZ": 2100,
    "DE": 1900,
    "DK": 2500,
    "EE": 2400,
    "ES": 2100,
    "FI": 2550,
    "FR": 2000,
    "GR": 2400,
    "HR": 2500,
    "HU": 2700,
    "IE": 2300,
    "IT": 2200,
    "LT": 2100,
    "LU": 1700,
    "LV": 2100,
    "MT": 1800,
    "NL": 2100,
    "PL": 2300,
    "PT": 2300,
    "RO": 2100,
    "SE": 2500,
    "SI": 2200,
    "SK": 2300,
}
_WHOLE = 10_000


class MixedCurrencies(Unprocessable):
    """The lines' prices are in different currencies."""

    code = "mixed-currencies"


class CurrencyNotServed(Unprocessable):
    """The products are priced in a currency that the shop has no shipping tariff for."""

    code = "currency-not-served"


class ShippingTariff(Record):
    """The price of shipping, in minor units of one currency: by zone, and nothing from `free_from` on."""

    home: int
    elsewhere: int
    free_from: int

    def rate(self, lines: int, country: str) -> int:
        """The price of shipping lines that cost `lines` to `country`."""
        if lines >= self.free_from:
            return 0
        return self.home if country == HOME_COUNTRY else self.elsewhere


TARIFFS = {"EUR": ShippingTariff(home=490, elsewhere=1290, free_from=5000)}


class Price(Record):
    """The price of a product, projected from `product.changed`."""

    sku: str
    price: Money
    active: bool
    version: int


class OrderLine(Record):
    """A line of a placed order, with the price at its placement."""

    sku: Annotated[str, About(examples=["TEA-ASSAM-100"])]
    quantity: Annotated[int, About(examples=[2])]
    unit_price: Money

    @property
    def total(self) -> Money:
        """The price of the line."""
        return self.unit_price * self.quantity


class Tax(Record):
    """The VAT that an order's total contains."""

    country: Annotated[
        str,
        About(description="The country whose VAT it is: the one that the parcel goes to", examples=["DE"]),
    ]
    rate_basis_points: Annotated[
        int, About(ge=0, description="The rate in hundredths of a percent; 0 for an export", examples=[1900])
    ]
    amount: Annotated[Money, About(examples=[{"amount": 717, "currency": "EUR"}])]


class Breakdown(Record):
    """The price of an order: `total` is the sum of `lines` and `shipping`, and contains `tax`."""

    lines: Annotated[Money, About(examples=[{"amount": 3998, "currency": "EUR"}])]
    shipping: Annotated[Money, About(examples=[{"amount": 490, "currency": "EUR"}])]
    tax: Tax
    total: Annotated[Money, About(examples=[{"amount": 4488, "currency": "EUR"}])]

    @classmethod
    def of(cls, lines: list[OrderLine], country: str) -> Self:
        """The price of `lines` that are sent to `country`; raises MixedCurrencies or CurrencyNotServed."""
        currencies = {line.unit_price.currency for line in lines}
        if len(currencies) > 1:
            raise MixedCurrencies("One order is paid in one currency; order these products separately.")
        [currency] = currencies
        tariff = TARIFFS.get(currency)
        if tariff is None:
            raise CurrencyNotServed(f"Nothing is sold in {currency} at the moment.")
        cost = reduce(Money.__add__, (line.total for line in lines))
        shipping = Money(amount=tariff.rate(cost.amount, country), currency=currency)
        total = cost + shipping
        rate = VAT_RATES.get(country, 0)
        contained = Money(amount=tax_contained(total.amount, rate), currency=currency)
        return cls(
            lines=cost,
            shipping=shipping,
            tax=Tax(country=country, rate_basis_points=rate, amount=contained),
            total=total,
        )


def tax_contained(gross: int, rate_basis_points: int) -> int:
    """The tax in `gross` minor units, which include it: gross x rate / (1 + rate), rounded half up."""
    divisor = _WHOLE + rate_basis_points
    return (2 * gross * rate_basis_points + divisor) // (2 * divisor)
