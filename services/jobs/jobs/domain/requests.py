"""The requests for jobs: their fields, by kind, and the rules for them."""

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from shared.errors import FieldError, Unprocessable
from shared.text import Form

MAX_DAYS = 366
"""The longest period of an export."""

_WEEK = "Write an ISO 8601 week, as in 2026-W10"


class JobKind(StrEnum):
    """The kind of a job."""

    ORDER_EXPORT = "order_export"
    PRODUCT_IMPORT = "product_import"
    WEEKLY_REPORT = "weekly_report"


class ExportFormat(StrEnum):
    """The format of an export: a table for spreadsheets, or one JSON object on each line."""

    CSV = "csv"
    JSONL = "jsonl"


class ReportFormat(StrEnum):
    """The format of a report: a page with charts, or its numbers for spreadsheets."""

    HTML = "html"
    CSV = "csv"


class OnError(StrEnum):
    """What an import does with its good lines if it has bad ones."""

    APPLY_GOOD = "apply_good"
    APPLY_NONE = "apply_none"


class WeekNotOver(Unprocessable):
    """The week of the report has not ended yet."""

    code = "week-not-over"


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _full_date(value: object) -> object:
    """Refuses any day but a full-date of RFC 3339; pydantic alone would accept a number."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("a day is written as YYYY-MM-DD")
    return value


def _sunday_of(week: str) -> date:
    """The last day of an ISO week such as 2026-W10; raises ValueError if the week does not exist."""
    return date.fromisocalendar(int(week[:4]), int(week[6:]), 7)


def _existing_week(week: str) -> str:
    try:
        _sunday_of(week)
    except ValueError as error:
        raise ValueError("The year has no such week") from error
    return week


Day = Annotated[date, BeforeValidator(_full_date)]


class OrderExport(_Request):
    """Exports the orders of a period to a file, one row for each order, without personal data."""

    kind: Literal[JobKind.ORDER_EXPORT]
    format: Annotated[
        ExportFormat, Field(description="csv is for spreadsheets; jsonl has one JSON object on each line")
    ]
    first_day: Annotated[
        Day, Field(alias="from", description="The first day, in UTC", examples=["2026-11-01"])
    ]
    last_day: Annotated[
        Day, Field(alias="to", description="The last day, included, in UTC", examples=["2026-11-30"])
    ]

    @field_validator("last_day")
    @classmethod
    def _ends_a_period(cls, last_day: date, info: ValidationInfo) -> date:
        first_day = info.data.get("first_day")  # absent if it is no day itself
        if first_day and not timedelta(0) <= last_day - first_day < timedelta(days=MAX_DAYS):
            raise ValueError(f"`to` must be the day of `from` or one of the {MAX_DAYS - 1} days after it")
        return last_day


class ProductImport(_Request):
    """Adds and changes products from an uploaded CSV file; the README of jobs lists its columns."""

    kind: Literal[JobKind.PRODUCT_IMPORT]
    upload: Annotated[
        str,
        Field(
            description="The `upload` of an upload form",
            examples=["upl_8f14e45fceea467a9c2b5d1c3a7e6f10"],
        ),
        Form(r"^upl_[0-9a-f]{32}$", "Take the `upload` of an upload form, unchanged"),
    ]
    on_error: Annotated[
        OnError,
        Field(description="If lines are refused: apply the good lines, or none"),
    ]


class WeeklyReport(_Request):
    """Reports the sales of a week that is over, as a page or a sheet, from the figures known now."""

    kind: Literal[JobKind.WEEKLY_REPORT]
    week: Annotated[
        str,
        Field(
            description="An ISO 8601 week that is over, Monday to Sunday in UTC",
            examples=["2026-W10"],
        ),
        Form(r"^[0-9]{4}-W(0[1-9]|[1-4][0-9]|5[0-3])$", _WEEK),
        AfterValidator(_existing_week),
    ]
    format: Annotated[
        ReportFormat, Field(description="html is a page with charts; csv has the numbers for spreadsheets")
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


def request_fields(request: AnyRequest, *, without: set[str] | None = None) -> dict[str, str]:
    """The request's fields under the names that clients use."""
    plain: dict[str, str] = request.model_dump(mode="json", by_alias=True, exclude=without)
    return plain
