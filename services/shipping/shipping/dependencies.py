"""Wires the service's functions to their table and settings, once per execution environment."""

from functools import cache

from pydantic import TypeAdapter

from shared.aws import client
from shared.environment import LambdaEnvironment
from shipping.adapters import ShipmentStore
from shipping.domain.shipment import CountryCode

_COUNTRIES: TypeAdapter[frozenset[str]] = TypeAdapter(frozenset[CountryCode])


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
def served_countries() -> frozenset[str]:
    """The countries that the shop sends parcels to; raises pydantic.ValidationError if one is no country code."""
    codes = ServedCountries.load().served_countries.split(",")
    return _COUNTRIES.validate_python([code.strip() for code in codes])
