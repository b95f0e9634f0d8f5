"""Environment variables, typed and checked when the function starts.

A module declares its variables. If one is missing, the import fails and names it:

    class Environment(LambdaEnvironment):
        table_name: str

    environment = Environment.load()
"""

import os
from dataclasses import fields
from typing import Any, Self, get_type_hints

from shared.record import Record, ValidationError

# Texts to numbers, of the types that need it.
_NUMBERS = (int, float)


class LambdaEnvironment(Record):
    """Base of a function's typed environment; field `table_name` reads `TABLE_NAME`."""

    @classmethod
    def load(cls) -> Self:
        """Reads the process environment; raises ValidationError, which names a missing variable but no value."""
        kinds = get_type_hints(cls)
        found = {
            entry.name: _value(kinds[entry.name], os.environ[entry.name.upper()])
            for entry in fields(cls)
            if entry.name.upper() in os.environ
        }
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            raise ValidationError(error.reason, str(error.place[0]).upper()) from None


def _value(kind: Any, text: str) -> Any:
    """The variable as its type has it; a text that is no number stays one, and is then refused."""
    if kind in _NUMBERS:
        try:
            return kind(text)
        except ValueError:
            return text
    return text
