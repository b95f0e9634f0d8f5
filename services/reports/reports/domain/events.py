"""The events that the reports service publishes."""

from typing import Annotated

from shared.events import Payload
from shared.record import About
from shared.text import Form

_OBJECT = (
    "https://eu-central-1.console.aws.amazon.com/s3/object/cartwright-reportsbucket-1?region=eu-central-1"
)


class ReportReady(Payload):
    """A week's report was made, or made again with other figures. Operators who may read the bucket can open it."""

    event_type = "report.ready"

    week: Annotated[
        str,
        About(description="ISO 8601 week, in UTC", examples=["2026-W10"]),
        Form(r"^\d{4}-W\d{2}$", "Write an ISO 8601 week, as in 2026-W10"),
    ]
    page_url: Annotated[
        str,
        About(
            description="The page in the S3 console, for an operator who is signed in to AWS",
            examples=[f"{_OBJECT}&prefix=weekly%2F2026-W10%2Freport.html"],
        ),
    ]
    sheet_url: Annotated[
        str,
        About(
            description="The figures as CSV in the S3 console, for an operator who is signed in to AWS",
            examples=[f"{_OBJECT}&prefix=weekly%2F2026-W10%2Freport.csv"],
        ),
    ]
