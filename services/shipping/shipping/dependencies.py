"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from pydantic import TypeAdapter

from shared.aws import client
from shared.environment import LambdaEnvironment
from shipping.adapters import ShipmentStore
from shipping.domain.shipment import CountryCode

_COUNTRIES: TypeAdapter[frozenset[str]] = TypeAdapter(frozenset[CountryCode])


class ShippingTable(LambdaEnvironment):
    """Names the shipping table."""

    table_name: str


class ServedCountries(LambdaEnvironment):
    """Names the countries that parcels are sent to: ISO 3166-1 alpha-2 codes, separated by commas."""

    served_countries: str


@cache
def shipment_store() -> ShipmentStore:
    """The shipping table's store."""
    return ShipmentStore(client("dynamodb"), ShippingTable.load().table_name)


@cache
def served_countries() -> frozenset[str]:
    """The countries that parcels are sent to; raises pydantic.ValidationError for what is no country code."""
    codes = ServedCountries.load().served_countries.split(",")
    return _COUNTRIES.validate_python([code.strip() for code in codes])
