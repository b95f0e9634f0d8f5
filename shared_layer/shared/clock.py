"""The only place that reads the wall clock; domain code receives time as an argument."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The current time, timezone-aware, in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """`moment` as an RFC 3339 string in UTC with milliseconds, so that strings sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
