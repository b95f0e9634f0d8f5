"""The body of a redrive."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

_MOMENT = re.compile(
    r"[0-9]{4}(-[0-9]{2}){2}[Tt][0-9]{2}(:[0-9]{2}){2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _written_out(value: object) -> object:
    """Refuses any moment but one of RFC 3339; pydantic alone would accept a number."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("a moment is written as 2026-03-02T09:30:00.125Z")
    return value


class RedriveRequest(BaseModel):
    """Which messages to send again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: Annotated[
        AwareDatetime,
        BeforeValidator(_written_out),
        Field(
            description="The redrive leaves messages that SQS had only after this moment. So a repeat leaves "
            "what came back meanwhile",
            examples=["2026-03-02T09:30:00.125Z"],
        ),
    ]
