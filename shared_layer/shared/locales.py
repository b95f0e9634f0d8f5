"""Locales: the form in which every entrance takes one, and the choice of a language that exists for it.

A locale is a language tag of BCP 47: a language with an optional script, region and so on (`de-AT`, `es-419`,
`zh-Hant-TW`). Every tag that is well-formed by RFC 5646, section 2.1, is taken, with these limits:

- The language has two or three letters. RFC 5646 reserves four letters, and nobody registered five or more. So a
  language's name, `English`, is refused.
- A tag has at most 35 characters, which section 4.4.1 asks every implementation to take.
- `_` counts as `-`, because some identity providers send `de_AT` (OpenID Connect Core 1.0, section 5.1).

The order and the registration of the parts are not checked: a reader with an odd tag gets mail all the same.
"""

import re
from collections.abc import Set
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.text import Form

LONGEST = 35
"""The most characters that a tag has."""

PATTERN = r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"
"""A tag's form, as a pattern that JSON Schema and CloudFormation understand alike."""


def canonical(tag: str) -> str:
    """The usual spelling of a well-formed tag: `-` between the parts, and the cases of RFC 5646, section 2.1.1."""
    parts = tag.replace("_", "-").lower().split("-")
    singleton = next((place for place, part in enumerate(parts) if len(part) == 1), len(parts))
    return "-".join(
        _CASES.get(len(part), str.lower)(part) if 0 < place < singleton else part
        for place, part in enumerate(parts)
    )


_CASES = {2: str.upper, 4: str.title}

Locale = Annotated[
    str,
    Field(max_length=LONGEST),
    Form(PATTERN, "Write a language, with a script or a region if it matters, as in en, de-AT or zh-Hant-TW"),
    AfterValidator(canonical),
]
"""A locale from outside, in its usual spelling."""


def locale_or(default: str, tag: str) -> str:
    """`tag` in its usual spelling, or `default` if `tag` is no locale."""
    return canonical(tag) if len(tag) <= LONGEST and re.fullmatch(PATTERN, tag) else default


def lookup(tag: str, languages: Set[str], default: str) -> str:
    """The one of `languages` that fits a reader with `tag` best, or `default` (RFC 4647, section 3.4).

    It looks for the whole tag, then leaves out one part after the other from the end: `zh-Hant-TW`, `zh-Hant`, `zh`.
    The spelling of `tag` does not matter, and any text may stand in it.
    """
    by_spelling = {language.lower(): language for language in languages}
    parts = tag.replace("_", "-").lower().split("-")
    while parts:
        if found := by_spelling.get("-".join(parts)):
            return found
        parts.pop()
        if parts and len(parts[-1]) == 1:  # A singleton means nothing without what follows it.
            parts.pop()
    return default
