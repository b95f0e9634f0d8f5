"""The record of a week's report, without AWS: what was made, and whether making it again changed anything."""

from datetime import datetime
from hashlib import sha256
from typing import Self

from pydantic import BaseModel, ConfigDict

from reports.domain.events import ReportReady
from reports.domain.week import Week
from shared.events import Event


class Report(BaseModel):
    """A week's report. `version` counts how often it came out otherwise; `digest` is a hash of its bytes."""

    model_config = ConfigDict(frozen=True)

    week: str
    version: int
    digest: str
    page_key: str
    sheet_key: str

    @classmethod
    def of(cls, week: Week, page: bytes, sheet: bytes, before: Self | None) -> Self:
        """The report that consists of these bytes; `before` itself when it consists of the same."""
        digest = sha256(sha256(page).digest() + sha256(sheet).digest()).hexdigest()
        if before and before.digest == digest:
            return before
        return cls(
            week=str(week),
            version=before.version + 1 if before else 1,
            digest=digest,
            page_key=page_key(week),
            sheet_key=sheet_key(week),
        )

    def ready(self, page_url: str, sheet_url: str, *, correlation_id: str, now: datetime) -> Event:
        """What tells of this version of the report."""
        return Event.of(
            ReportReady(week=self.week, page_url=page_url, sheet_url=sheet_url),
            aggregate_id=f"report-{self.week}",
            aggregate_version=self.version,
            occurred_at=now,
            correlation_id=correlation_id,
        )


def page_key(week: Week) -> str:
    """The page's name in the bucket, the same for every version."""
    return f"weekly/{week}/report.html"


def sheet_key(week: Week) -> str:
    """The same of the figures as CSV."""
    return f"weekly/{week}/report.csv"
