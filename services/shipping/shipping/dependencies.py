"""Wires the service's functions to their table and settings, once per execution environment."""

from functools import cache
from typing import TYPE_CHECKING

from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.text import COUNTRY
from shipping.adapters import ShipmentStore

if TYPE_CHECKING:
    from shared.order_record import OrderRecord


class ShippingTable(LambdaEnvironment):
    """The environment variable that names the shipping table."""

    table_name: str


class ServedCountries(LambdaEnvironment):
    """The environment variable with the served countries: ISO 3166-1 alpha-2 codes, separated by commas."""

    served_countries: str


@cache
def shipment_store() -> ShipmentStore:
    """The shipping table's store."""
    return ShipmentStore(client("dynamodb"), ShippingTable.load().table_name)


@cache
def order_record() -> "OrderRecord":
    """What the records of orders alone have."""
    # Imported here, since only the saga's step reads it.
    from shared.order_record import OrderRecord, OrdersTable  # noqa: PLC0415

    return OrderRecord(client("dynamodb"), OrdersTable.load().orders_table_name)


@cache
def served_countries() -> frozenset[str]:
    """The countries that the shop sends parcels to; raises ValueError if one is no country code."""
    codes = [code.strip() for code in ServedCountries.load().served_countries.split(",")]
    if wrong := [code for code in codes if not COUNTRY.fits(code)]:
        raise ValueError(f"{', '.join(wrong)}: {COUNTRY.allowed}")
    return frozenset(codes)
