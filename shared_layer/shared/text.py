"""The form of a text: a regular expression for programs, and words for the person whose text is refused.

    Sku = Annotated[str, Field(max_length=40), Form(r"^[A-Z0-9]+$", "Use capital letters and digits")]

A field never has a `pattern` of pydantic's, because pydantic would show the expression to the person.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.record import ValidationError

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

# The excluded characters show nothing by themselves: spaces, marks on another character, controls and formats. Unicode
# declares some others to be invisible, such as the Hangul fillers. No property says that a glyph is blank.
# Four glyphs have it in their names: one of Braille, one of music and two hieroglyphs. A character that this version of
# Unicode does not know may be a letter of a later one, so it counts as visible.
# https://www.unicode.org/reports/tr44/#Default_Ignorable_Code_Point
_VISIBLE = r"[^\p{Z}\p{M}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\x{2800}\x{1D159}\x{13441}\x{13442}]"


def has_visible(text: str) -> bool:
    """Whether `text` has a visible character, as VISIBLE_LINE demands one; here control characters may be beside it."""
    return _matches(_VISIBLE, text)


@dataclass(frozen=True)
class Form:
    """The form of a text, as an annotation of it, behind the `Field` with its limits.

    The schema shows `pattern`, so that clients can check it. Few clients could read `also`, a further pattern in Rust's
    syntax (https://docs.rs/regex). `allowed` tells a person what to send. The text is none of `reserved`, words that
    mean something else in the place where the text is stored.
    """

    pattern: str
    allowed: str
    also: str | None = None
    reserved: tuple[str, ...] = ()

    def fits(self, text: str) -> bool:
        """Whether `text` has this form."""
        if text in self.reserved:
            return False
        if self.also is None:
            return re.fullmatch(self.pattern, text) is not None
        return _matches(self.pattern, text) and _matches(self.also, text)

    def check(self, text: str) -> None:
        """For a record's field: raises ValidationError if the text has another form."""
        if not self.fits(text):
            raise ValidationError(self.allowed)

    def _checked(self, text: str) -> str:
        from pydantic_core import PydanticCustomError  # noqa: PLC0415

        if not self.fits(text):
            raise PydanticCustomError("text_form", "{allowed}", {"allowed": self.allowed})
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """For pydantic: the text's own schema, and then the check of its form."""
        from pydantic_core import core_schema  # noqa: PLC0415

        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: "CoreSchema", handler: "GetJsonSchemaHandler"
    ) -> dict[str, Any]:
        """For pydantic: the text's JSON Schema, with the pattern, and in words if the pattern is not all."""
        words = {"description": self.allowed} if self.also else {}
        return {**words, **handler(schema), "pattern": self.pattern}


def _matches(pattern: str, text: str) -> bool:
    return bool(_validator(pattern).isinstance_python(text))


@cache
def _validator(pattern: str) -> Any:
    # Imported late, since few functions check a text that a person wrote.
    from pydantic_core import SchemaValidator, core_schema  # noqa: PLC0415

    return SchemaValidator(core_schema.str_schema(pattern=pattern))


VISIBLE_LINE = Form(
    r"^[^\x00-\x1F\x7F-\x9F\u2028\u2029]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F\u2028\u2029]*$",
    "Write one line with at least one visible character",
    also=_VISIBLE,
)
"""A text that a person reads on one line: a name, an address, a reason.

It has no control characters, which could break a mail's line or act on a terminal, and no Unicode line ends.
"""

COUNTRY = Form(r"^[A-Z]{2}$", "Write the country's code in two capital letters (ISO 3166-1), as in DE")
"""An ISO 3166-1 alpha-2 code."""

RESOURCE_ID = Form(r"^[A-Za-z0-9_-]{1,64}$", "Use the id as the API gave it: letters, digits, _ and -")
"""An id that this system made."""

SKU = Form(
    r"^[A-Z0-9]+(-[A-Z0-9]+)*$",
    "Use capital letters and digits, with single hyphens between them, as in TEA-ASSAM-100",
)
"""A stock-keeping unit of the catalogue."""
