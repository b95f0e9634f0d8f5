"""How many sign-ups the shop takes from one source in an hour. docs/api.md lists the limits.

A source is where requests come from: one IPv4 address, or a network of IPv6 (/64), which one subscriber has.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from shared.errors import TooManyRequests
from shared.record import Personal

_HOUR = timedelta(hours=1)
_IPV6_SUBSCRIBER = 64


class TooManySignUpsFromHere(TooManyRequests):
    """Too many sign-ups came from the client's network within an hour; `Retry-After` says when to sign up again."""

    code = "too-many-sign-ups"


class SourceHour(BaseModel):
    """An hour of sign-ups from one source. `key` tells sources apart without showing them."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[str, Personal.DIGEST]
    ends_at: datetime

    @classmethod
    def of(cls, address: str, now: datetime) -> "SourceHour":
        """The present hour of the source that has the IP `address`; an unreadable one is a source of its own."""
        begins_at = now.replace(minute=0, second=0, microsecond=0)
        digest = sha256(f"{begins_at.isoformat()} {_network_of(address)}".encode()).hexdigest()
        return cls(key=digest[:32], ends_at=begins_at + _HOUR)


def _network_of(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ip_network((found, _IPV6_SUBSCRIBER), strict=False))
