"""Numbers in JSON bodies."""

from typing import Any

from pydantic import BeforeValidator


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGRAL = BeforeValidator(_whole)
"""Reads a number without a fraction as an integer, as JSON Schema does: 2.0 is 2. Combine it with a strict `Field`,
which accepts neither text nor booleans as numbers."""
