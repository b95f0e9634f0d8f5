"""The shop's policy: how long pieces can be returned, and which returns need no operator."""

from datetime import datetime, timedelta
from typing import Annotated

from returns.domain.status import ReturnPeriodOver
from shared.money import Money
from shared.record import About, Record


class ReturnPolicy(Record):
    """Within `return_days` after the order's fulfilment its customer may ask; within as many days after the acceptance
    the pieces must arrive.

    Returns of one order that are worth `returns_accepted_up_to` minor units together are accepted at once. With 0 an
    operator decides each of them.
    """

    return_days: Annotated[int, About(ge=1)]
    returns_accepted_up_to: Annotated[int, About(ge=0)]

    def until(self, moment: datetime) -> datetime:
        """The end of a period that begins at `moment`."""
        return moment + timedelta(days=self.return_days)

    def check_period(self, fulfilled_at: datetime, now: datetime) -> None:
        """Raises ReturnPeriodOver if the order was fulfilled too long ago."""
        if now > self.until(fulfilled_at):
            raise ReturnPeriodOver(
                f"The order's pieces could be returned within {self.return_days} days, until "
                f"{self.until(fulfilled_at):%Y-%m-%d %H:%M} UTC."
            )

    def accepts_at_once(self, value: Money) -> bool:
        """Whether returns that are worth `value` need no operator."""
        return 0 < self.returns_accepted_up_to >= value.amount
