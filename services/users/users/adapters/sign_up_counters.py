"""Counters of sign-ups, in the users table: `pk` = "sign-ups#" and the key of a source's hour.

A counter expires when its hour is over. It is no profile: it is in no index, and publishes nothing.
"""

from math import ceil
from typing import Any

from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable
from users.domain.sign_up_limits import SourceHour


class SignUpCounters:
    """Counts sign-ups by source and hour."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def count(self, hour: SourceHour, *, at_most: int) -> bool:
        """Counts one more sign-up; False if the hour has `at_most` already."""
        nothing = outbox_of([])
        counted = self._table.update(
            {"pk": f"sign-ups#{hour.key}"},
            "ADD sign_ups :one SET expires_at = :end, outbox = :outbox, publishes_nothing = :nothing",
            {
                ":one": 1,
                ":most": at_most,
                ":end": ceil(hour.ends_at.timestamp()),
                ":outbox": nothing["outbox"],
                ":nothing": nothing["publishes_nothing"],
            },
            condition="attribute_not_exists(sign_ups) OR sign_ups < :most",
        )
        return self._table.write_one(counted) is not None
