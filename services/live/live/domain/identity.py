"""The customer that a valid identity token names."""

from dataclasses import dataclass
from typing import Annotated

from shared.record import Personal


class InvalidToken(Exception):
    """The token opens no connection. The message is the reason, for the log, without any part of the token."""


@dataclass(frozen=True)
class Identity:
    """The customer, and the token's expiry in seconds since 1970."""

    customer_id: Annotated[str, Personal.ACCOUNT_ID]
    expires_at: int
