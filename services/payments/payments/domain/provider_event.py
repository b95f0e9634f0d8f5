"""A webhook's body, as far as we read it (https://docs.stripe.com/api/events/object)."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[str, Field(min_length=1, max_length=255)]


class Lenient(BaseModel):
    """Part of a provider's event. Fields that are not listed are ignored, and never logged."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class _Data(Lenient):
    object: dict[str, Any]


class ProviderEvent(Lenient):
    """A webhook's body; `created` is in Unix seconds."""

    id: Id
    type: Id
    created: Annotated[int, Field(ge=0, le=10**12)]
    data: _Data
