"""Environment variables, typed and checked when the function starts.

A module declares its variables. If one is missing, the import fails and names it:

    class Environment(LambdaEnvironment):
        table_name: str

    environment = Environment.load()
"""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict


class LambdaEnvironment(BaseModel):
    """Base of a function's typed environment; field `table_name` reads `TABLE_NAME`."""

    # Lambda logs what fails at the start. The environment holds credentials.
    model_config = ConfigDict(
        alias_generator=str.upper, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @classmethod
    def load(cls) -> Self:
        """Reads the process environment; raises pydantic.ValidationError, which names a missing variable."""
        return cls.model_validate(dict(os.environ))
