"""What can be asked for as a job, and how it is written, without AWS."""

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.errors import FieldError, Unprocessable

MAX_DAYS = 366
"""The longest period of an export."""


class JobKind(StrEnum):
    """What a job does."""

    ORDER_EXPORT = "order_export"
    PRODUCT_IMPORT = "product_import"
    WEEKLY_REPORT = "weekly_report"


class ExportFormat(StrEnum):
    """How an export is written: a table for spreadsheets, or a JSON object a line."""

    CSV = "csv"
    JSONL = "jsonl"


class ReportFormat(StrEnum):
    """How a report is written: a page with charts, or its numbers for spreadsheets."""

    HTML = "html"
    CSV = "csv"


class OnError(StrEnum):
    """What becomes of an import's good lines when there are bad ones."""

    APPLY_GOOD = "apply_good"
    APPLY_NONE = "apply_none"


class WeekNotOver(Unprocessable):
    """The week that is to be reported on has not ended yet."""

    code = "week-not-over"


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _full_date(value: object) -> object:
    """Refuses what pydantic would take for a day beside RFC 3339's full-date: a number, say."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day is written as YYYY-MM-DD")
    return value


def _sunday_of(week: str) -> date:
    """The last day of an ISO week that is written as 2026-W10; raises ValueError when there is no such week."""
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 7)


def _existing_week(week: str) -> str:
    _sunday_of(week)
    return week


Day = Annotated[date, BeforeValidator(_full_date)]


class OrderExport(_Request):
    """The orders placed in a period, as a file: one row an order, without personal data."""

    kind: Literal[JobKind.ORDER_EXPORT]
    format: Annotated[
        ExportFormat, Field(description="csv is for spreadsheets; jsonl is a JSON object a line")
    ]
    first_day: Annotated[
        Day, Field(alias="from", description="The first day, in UTC", examples=["2026-11-01"])
    ]
    last_day: Annotated[
        Day, Field(alias="to", description="The last day, in UTC, itself included", examples=["2026-11-30"])
    ]

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        if not timedelta(0) <= self.last_day - self.first_day < timedelta(days=MAX_DAYS):
            raise ValueError(f"`to` is the day of `from` or one of the {MAX_DAYS - 1} after it")
        return self


class ProductImport(_Request):
    """Products added and changed from an uploaded CSV file; see the README of jobs for its columns."""

    kind: Literal[JobKind.PRODUCT_IMPORT]
    upload: Annotated[
        str,
        Field(
            pattern=r"^upl_[0-9a-f]{32}$",
            description="As `upload` of an upload form",
            examples=["upl_8f14e45fceea467a9c2b5d1c3a7e6f10"],
        ),
    ]
    on_error: Annotated[
        OnError,
        Field(description="When lines are refused: apply the good ones all the same, or none"),
    ]


class WeeklyReport(_Request):
    """What was sold in a week that is over, as a page or a sheet, made from what is known of its sales now."""

    kind: Literal[JobKind.WEEKLY_REPORT]
    week: Annotated[
        str,
        Field(
            pattern=r"^[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])$",
            description="An ISO 8601 week that is over, from Monday to Sunday in UTC",
            examples=["2026-W10"],
        ),
        AfterValidator(_existing_week),
    ]
    format: Annotated[
        ReportFormat, Field(description="html is a page with charts; csv has its numbers for spreadsheets")
    ] = ReportFormat.HTML

    def check_over(self, now: datetime) -> None:
        """Raises WeekNotOver before the end of the week."""
        sunday = _sunday_of(self.week)
        if now.astimezone(UTC).date() <= sunday:
            raise WeekNotOver(
                f"The week {self.week} ends on {sunday}; its report can be made from the day after, in UTC.",
                [FieldError("/body/week", "the week is not over")],
            )


AnyRequest = OrderExport | ProductImport | WeeklyReport
JobRequest = Annotated[AnyRequest, Field(discriminator="kind")]


def written(request: AnyRequest, *, without: set[str] | None = None) -> dict[str, str]:
    """What is asked for, under the names that clients use."""
    plain: dict[str, str] = request.model_dump(mode="json", by_alias=True, exclude=without)
    return plain
