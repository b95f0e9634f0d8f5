"""The reports table: the last version of each week's report, under `pk` = week, with its outbox."""

from typing import Any

from reports.domain.report import Report
from reports.domain.week import Week
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable


class ReportVersions:
    """Access to the reports table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def find(self, week: Week) -> Report | None:
        """The last version of the week's report, or None."""
        item = self._table.get({"pk": str(week)})
        return Report.model_validate(item) if item else None

    def put(self, report: Report, events: list[Event]) -> None:
        """Stores the report and its events in one write. Raises WriteConflict if another run stored this version."""
        item = {"pk": report.week, **report.model_dump(), **outbox_of(events)}
        self._table.put(item, replaces=report.version - 1)
