"""What orders know of a customer's account: whether it is closed, and whose payments were declined lately."""

from dataclasses import field
from datetime import datetime, timedelta
from typing import Self

from orders.domain.status import AccountClosed
from shared.clock import timestamp
from shared.record import Record

DECLINES_COUNT_FOR = timedelta(hours=1)


class CustomerAccount(Record):
    """A customer's account. `declines` has the moment of each declined payment by its order's id.

    `version` counts the changes of its declines. An account without an item is open, and has version 0.
    """

    closed_at: str | None = None
    declines: dict[str, str] = field(default_factory=dict)
    version: int = 0

    def require_open(self) -> None:
        """Raises AccountClosed if the account is closed."""
        if self.closed_at:
            raise AccountClosed("This account was deleted; it can place no orders any more.")

    def declines_at(self, now: datetime) -> list[datetime]:
        """When payments were declined that count `now`, the earliest first."""
        moments = sorted(datetime.fromisoformat(moment) for moment in self.declines.values())
        return [moment for moment in moments if moment > now - DECLINES_COUNT_FOR]

    def decline(self, order_id: str, now: datetime) -> Self:
        """The account after the order's payment was declined; itself if it knows that, or is closed.

        It forgets the declines that count no more.
        """
        if self.closed_at or order_id in self.declines:
            return self
        counting = {timestamp(moment) for moment in self.declines_at(now)}
        kept = {order: moment for order, moment in self.declines.items() if moment in counting}
        return self.model_copy(
            update={"declines": {**kept, order_id: timestamp(now)}, "version": self.version + 1}
        )

    def close(self, moment: str) -> Self:
        """The account, closed since `moment`, unless it was closed before; it remembers nothing else."""
        return self if self.closed_at else type(self)(closed_at=moment, version=self.version + 1)
