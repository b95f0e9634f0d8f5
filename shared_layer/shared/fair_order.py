"""The order in which a scheduled run looks at what waits, if its time may not suffice for all of it.

An entry that cannot go on waits again at the next run. If each run began at the oldest one, enough of those would keep
every later entry from ever being looked at.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random


def from_any_one[Entry](waiting: Sequence[Entry], now: datetime) -> list[Entry]:
    """The entries in their order, from any one to the last, and then from the first; `now` decides which one.

    So a run that is cut short leaves out other entries than the run before it. Each has the same chance at each run.
    """
    start = Random(now.timestamp()).randrange(len(waiting)) if waiting else 0  # noqa: S311 # nosec B311 - no secret
    return [*waiting[start:], *waiting[:start]]
