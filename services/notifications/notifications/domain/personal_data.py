"""The base of every model that may hold personal data."""

from pydantic import BaseModel, ConfigDict


class PersonalModel(BaseModel):
    """An immutable model whose validation errors repeat no value, because they are logged."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
