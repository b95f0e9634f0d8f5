"""The rules of a connection: the orders that it watches, its lifetime, and the number that a customer may have."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict

from shared.errors import Forbidden, Unprocessable
from shared.record import Personal

# API Gateway closes a WebSocket after two hours.
LONGEST_CONNECTION = timedelta(hours=2)
MAX_CONNECTIONS = 10
MAX_ORDERS = 100


class AccountClosed(Forbidden):
    """The account was deleted; its token is still valid for a while, but opens no connection."""

    code = "account-closed"


class TooManyOrders(Unprocessable):
    """The connection watches as many single orders as one may."""

    code = "too-many-subscriptions"


class Connection(BaseModel):
    """A customer's open WebSocket and its subscriptions. It lives no longer than the token that opened it."""

    model_config = ConfigDict(frozen=True)

    connection_id: str
    customer_id: Annotated[str, Personal.ACCOUNT_ID]
    connected_at: str
    expires_at: int
    all_orders: bool = False
    order_ids: frozenset[str] = frozenset()

    @classmethod
    def opened(cls, connection_id: str, customer_id: str, *, token_expires_at: int, now: datetime) -> Self:
        """A connection that begins now and watches no order yet."""
        return cls(
            connection_id=connection_id,
            customer_id=customer_id,
            connected_at=now.isoformat(),
            expires_at=min(int((now + LONGEST_CONNECTION).timestamp()), token_expires_at),
        )

    def is_over(self, now: datetime) -> bool:
        """Whether its token or its time has run out."""
        return now.timestamp() >= self.expires_at

    def watches(self, order_id: str) -> bool:
        """Whether it receives the changes of that order."""
        return self.all_orders or order_id in self.order_ids

    def require_room_for(self, order_id: str) -> None:
        """Raises TooManyOrders if it watches the most orders that it may, and not that one."""
        if len(self.order_ids) >= MAX_ORDERS and order_id not in self.order_ids:
            raise TooManyOrders(
                f"A connection watches at most {MAX_ORDERS} single orders; subscribe without an `order_id` for all."
            )


def excess(connections: Iterable[Connection]) -> list[Connection]:
    """The oldest of a customer's connections, beyond the number that a customer may have."""
    newest_first = sorted(connections, key=lambda connection: connection.connected_at, reverse=True)
    return newest_first[MAX_CONNECTIONS:]
