"""Weeks of ISO 8601, in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from shared.errors import PermanentError

DAYS = 7
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


class NoSuchWeek(PermanentError):
    """The name is no ISO week. An ISO week is written 2026-W10."""


class WeekNotOver(PermanentError):
    """The week has not ended yet. Its report can be made from the Monday after it."""


@dataclass(frozen=True, order=True)
class Week:
    """An ISO 8601 week, from Monday 00:00 UTC until the next Monday 00:00 UTC."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04}-W{self.number:02}"

    @classmethod
    def named(cls, name: str) -> Self:
        """The week of that name, such as 2026-W10; raises NoSuchWeek."""
        found = _WEEK.fullmatch(name)
        try:
            if not found:
                raise NoSuchWeek(f"{name} is no week: write it as 2026-W10.")
            # The last day: the calendar ends within the last week of the year 9999.
            date.fromisocalendar(int(found[1]), int(found[2]), DAYS)
        except ValueError as error:
            raise NoSuchWeek(f"There is no week {name}: {error}.") from error
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Self:
        """The week of `moment`."""
        calendar = moment.astimezone(UTC).isocalendar()
        return cls(calendar.year, calendar.week)

    @classmethod
    def before(cls, moment: datetime) -> Self:
        """The last week that has ended at `moment`."""
        return cls.of(moment - timedelta(days=DAYS))

    @property
    def days(self) -> list[date]:
        """Monday to Sunday."""
        return [date.fromisocalendar(self.year, self.number, day + 1) for day in range(DAYS)]

    @property
    def end(self) -> datetime:
        """The first moment after the week."""
        return datetime.combine(self.days[-1] + timedelta(days=1), time(tzinfo=UTC))

    def check_over(self, now: datetime) -> None:
        """Raises WeekNotOver if the week has not ended at `now`."""
        if now < self.end:
            raise WeekNotOver(f"{self} ends on {self.days[-1]}; its report can be made from the day after.")
