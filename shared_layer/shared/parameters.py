"""Parameters that mean the same on every route."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from shared.text import Form

# Enough for a position with the longest keys.
_MAX_CURSOR = 2048

PageLimit = Annotated[int, Query(ge=1, le=100, description="The most entries that a page holds")]

PageCursor = Annotated[
    str | None,
    Query(max_length=_MAX_CURSOR, description="The `next` of an earlier page of the same list, unchanged"),
]

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="One key for each action, the same at every retry; a UUID serves well",
        examples=["0b8f3c52-6f0e-4a0c-9f57-2f3a5d1c7e90"],
    ),
    Form(r"^[!-~]{1,255}$", "Use 1 to 255 ASCII characters without spaces; a UUID serves well"),
]

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description="The `ETag` of the version that the change is based on",
        examples=['"3"'],
    ),
]

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=1000,
        description="The `ETag` of the client's version; the answer is 304 while that is the latest version",
        examples=['"3"'],
    ),
]
