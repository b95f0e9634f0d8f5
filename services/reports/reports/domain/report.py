"""The record of a week's report, and whether a new run changed the report."""

from datetime import datetime
from hashlib import sha256
from typing import Self

from pydantic import BaseModel, ConfigDict

from reports.domain.events import ReportReady
from reports.domain.week import Week
from shared.events import Event


class Report(BaseModel):
    """A version of a week's report. A run with other bytes makes the next version; `digest` is a hash of the bytes."""

    model_config = ConfigDict(frozen=True)

    week: str
    version: int
    digest: str
    page_key: str
    sheet_key: str

    @classmethod
    def of(cls, week: Week, page: bytes, sheet: bytes, last: Self | None) -> Self:
        """The report with these bytes: `last` itself if its bytes are the same, else the version after it."""
        digest = sha256(sha256(page).digest() + sha256(sheet).digest()).hexdigest()
        if last and last.digest == digest:
            return last
        return cls(
            week=str(week),
            version=last.version + 1 if last else 1,
            digest=digest,
            page_key=page_key(week),
            sheet_key=sheet_key(week),
        )

    def ready(self, page_url: str, sheet_url: str, *, correlation_id: str, now: datetime) -> Event:
        """The event about this version of the report."""
        return Event.of(
            ReportReady(week=self.week, page_url=page_url, sheet_url=sheet_url),
            aggregate_id=f"report-{self.week}",
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=correlation_id,
        )


def page_key(week: Week) -> str:
    """The page's key in the bucket, the same for every version."""
    return f"weekly/{week}/report.html"


def sheet_key(week: Week) -> str:
    """The sheet's key in the bucket, the same for every version."""
    return f"weekly/{week}/report.csv"
