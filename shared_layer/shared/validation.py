"""Validation errors without the values: the place of each fault, and the words for it.

Pydantic's own message repeats the value, and its setting `hide_input_in_errors` counts for the outermost model alone.
So everything that shows a validation error, to a log, an operator or a client, takes the words from here.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeIs

if TYPE_CHECKING:
    from pydantic_core import ValidationError

type Place = tuple[str | int, ...]
"""Where a value is: the names of its properties and its positions in lists, from the outside in."""

_QUOTED = re.compile(r"'[^']*'")


def words_of(fault: Mapping[str, Any]) -> str:
    """The words for a fault, which is an entry of pydantic's `errors()`: they say what its place may hold."""
    match str(fault["type"]):
        case "union_tag_invalid":
            # Pydantic lists the members of an enumeration as Python writes them: <Kind.TEA: 'tea'>.
            return f"Input should be one of {', '.join(_QUOTED.findall(fault['ctx']['expected_tags']))}"
        case "union_tag_not_found":
            return "Field required"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "Input should be an object"
        case "string_pattern_mismatch":
            return "Input should have the form that is documented"
        case _:
            return str(fault["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")


def place_of(fault: Mapping[str, Any], *, tag_at: int | None = None) -> Place:
    """The place of a fault in the data as it was sent.

    Of a union whose members a property distinguishes, pydantic puts the member's tag into the place, at `tag_at`.
    """
    place = tuple(fault["loc"])
    if str(fault["type"]).startswith("union_tag"):
        return (*place, str(fault["ctx"]["discriminator"]).strip("'"))
    return place if tag_at is None else (*place[:tag_at], *place[tag_at + 1 :])


def pointer_to(place: Iterable[str | int]) -> str:
    """The JSON pointer to a place (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def is_invalid(error: BaseException) -> "TypeIs[ValidationError]":
    """Whether it is pydantic's ValidationError. A function that has not imported pydantic meets none."""
    pydantic = sys.modules.get("pydantic_core")
    return pydantic is not None and isinstance(error, pydantic.ValidationError)


def without_values(error: BaseException) -> BaseException:
    """The error, to be shown: every ValidationError in its chain of causes is replaced by one without the values.

    The replacement has the class, the places and the traceback of the original.
    """
    return _without_values(error, set())


def _without_values(error: BaseException, seen: set[int]) -> BaseException:
    if is_invalid(error):
        return _hidden(error).with_traceback(error.__traceback__)
    # An error may be its own cause: `raise error from error`.
    if id(error) not in seen:
        seen.add(id(error))
        if error.__cause__ is not None:
            error.__cause__ = _without_values(error.__cause__, seen)
        if error.__context__ is not None:
            error.__context__ = _without_values(error.__context__, seen)
    return error


def reason_of(error: BaseException) -> str:
    """The error's name and message, without the values of a ValidationError."""
    return f"{type(error).__name__}: {without_values(error)}"


def hiding_values[**Arguments, Result](
    function: Callable[Arguments, Result],
) -> Callable[Arguments, Result]:
    """The function, whose exceptions pass through `without_values`."""

    @wraps(function)
    def called(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is raised again
            failure = without_values(error)
        # Not within `except`, where Python would add the original as its context.
        raise failure

    return called


def _hidden(error: "ValidationError") -> "ValidationError":
    from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError  # noqa: PLC0415

    faults = error.errors(include_url=False, include_input=False)
    return ValidationError.from_exception_data(
        error.title,
        [
            InitErrorDetails(
                type=PydanticCustomError(fault["type"], "{words}", {"words": words_of(fault)}),
                loc=_named(fault),
                input=None,
            )
            for fault in faults
        ],
        hide_input=True,
    )


def _named(fault: Mapping[str, Any]) -> Place:
    """The fault's place, without a name that the sender chose."""
    place = tuple(fault["loc"])
    return place[:-1] if fault["type"] == "extra_forbidden" else place
