"""The words of the letters: a file `templates/wording/<language>.json` each, read once per execution environment.

A new language is a new file with the same keys and placeholders, which a test holds it to.
"""

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from notifications.domain.amounts import Numbers

DEFAULT_LANGUAGE = "en"
_FOLDER = Path(__file__).parents[1] / "templates" / "wording"


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Labels(_Words):
    """What stands before a fact, and above a column."""

    order: str
    tracking_reference: str
    lines: str
    product: str
    quantity: str
    price: str
    shipping: str
    total: str
    tax: str
    sku: str
    available: str
    threshold: str
    week: str
    page: str
    sheet: str


class LetterWords(_Words):
    """The words of one letter, with `$placeholders`."""

    subject: str
    heading: str
    paragraphs: list[str]


class Reasons(_Words):
    """Why something happened, in words, by the word that the event has for it; `otherwise` for those without words."""

    reasons: dict[str, str]
    otherwise: str

    def of(self, word: str | None) -> str:
        """The reason that `word` stands for."""
        return self.reasons.get(word or "", self.otherwise)


class Wording(_Words):
    """All words of a language, an ISO 639-1 code."""

    language: str
    greeting: str
    greeting_without_name: str
    closing: str
    numbers: Numbers
    labels: Labels
    letters: dict[str, LetterWords]
    rejections: Reasons
    cancellations: Reasons


@cache
def languages() -> frozenset[str]:
    """The languages that there are words in, as ISO 639-1 codes."""
    return frozenset(file.stem for file in _FOLDER.glob("*.json"))


@cache
def wording_in(language: str) -> Wording:
    """The words of `language`, one of `languages()`."""
    return Wording.model_validate_json((_FOLDER / f"{language}.json").read_bytes())


def wording_for(locale: str) -> Wording:
    """The words for a reader with `locale` (a BCP 47 tag, `de-AT`); English where theirs are missing."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return wording_in(language if language in languages() else DEFAULT_LANGUAGE)
