"""Numbers in JSON bodies."""

from typing import Any

from pydantic import BeforeValidator


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGRAL = BeforeValidator(_whole)
"""Takes a number without a fraction for an integer, as JSON Schema does: 2.0 is 2. It stands behind a strict `Field`,
to which neither text nor truth is a number."""
