"""The words of the letters in one language, and the choice of a reader's language."""

from collections.abc import Set

from pydantic import BaseModel, ConfigDict

from notifications.domain.number_format import NumberFormat
from shared.locales import lookup

DEFAULT_LANGUAGE = "en"


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Labels(_Words):
    """The labels of facts and the heads of columns."""

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
    returned: str
    return_reference: str
    refund: str


class LetterWords(_Words):
    """The words of one letter, with `$placeholders`."""

    subject: str
    heading: str
    paragraphs: list[str]


class Reasons(_Words):
    """Sentences by the reason code of an event; `otherwise` is the sentence for every other code."""

    reasons: dict[str, str]
    otherwise: str

    def of(self, code: str | None) -> str:
        """The sentence for `code`."""
        return self.reasons.get(code or "", self.otherwise)


class Wording(_Words):
    """All words of a language, an ISO 639-1 code."""

    language: str
    greeting: str
    greeting_without_name: str
    closing: str
    numbers: NumberFormat
    labels: Labels
    letters: dict[str, LetterWords]
    rejections: Reasons
    cancellations: Reasons
    refusals: Reasons


def language_for(locale: str, languages: Set[str]) -> str:
    """The one of `languages` for a reader with `locale` (a BCP 47 tag, `de-AT`), or English."""
    return lookup(locale, languages, DEFAULT_LANGUAGE)
