"""The product's name in each of its spellings. pyproject.toml has it; all spellings follow from it."""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from tools.console import StepError

_TITLE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+)*")
_LONGEST_TITLE = 24
_MOST_WORDS = 3
_DOMAIN = re.compile(r"(?=.{4,60}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_PREFIX = re.compile(r"[A-Z]{2}")

# What follows the prefix in a tracking reference: 12 symbols of `shipping.domain.shipment`.
_TRACKED = r"(?=[0-9A-HJKMNP-TV-Z]{12}(?![0-9A-Za-z]))"


@dataclass(frozen=True)
class Product:
    """How the product is called: "Your Shop", the domain of its addresses, and the beginning of tracking references."""

    title: str
    domain: str
    tracking_prefix: str

    @classmethod
    def declared_in(cls, pyproject: str) -> Self:
        """The name in pyproject.toml's text; raises StepError if it is not there."""
        document = tomllib.loads(pyproject)
        try:
            slug = document["project"]["name"]
            table = document["tool"][slug]
            found = cls(table["title"], table["domain"], table["tracking_prefix"])
        except KeyError as missing:
            raise StepError(
                f"pyproject.toml has no {missing} of the product.",
                "It needs [tool.<project's name>] with `title`, `domain` and `tracking_prefix`.",
            ) from missing
        if found.slug != slug:
            raise StepError(
                f"pyproject.toml calls the project {slug}, and the product {found.title}.",
                f"Set the project's name to {found.slug}.",
            )
        return found

    @classmethod
    def called(cls, title: str, *, domain: str = "", tracking_prefix: str = "") -> Self:
        """The product of that name, with `<name>.example` and its initials unless others are given.

        Raises StepError for a name that does not fit into a stack's name, a URL, a metric's namespace or a document.
        """
        words = re.split(r"[ -]", title)
        if not _TITLE.fullmatch(title) or len(title) > _LONGEST_TITLE or len(words) > _MOST_WORDS:
            raise StepError(
                f"{title!r} cannot be the name: it becomes the name of stacks, of a domain and of metrics.",
                f"Take ASCII letters, digits, single spaces and hyphens, a letter first: {_LONGEST_TITLE} characters "
                f"and {_MOST_WORDS} words at most. The mails' wording may have any other spelling later.",
            )
        letters = "".join(word[0] for word in words) if len(words) > 1 else title
        wanted = (tracking_prefix or letters[:2]).upper()
        if not _PREFIX.fullmatch(wanted):
            raise StepError(
                f"Tracking references cannot begin with {wanted!r}.", "Give two letters: PREFIX=YS."
            )
        found = cls(title, "", wanted)
        found = cls(title, domain or f"{found.slug}.example", wanted)
        if not _DOMAIN.fullmatch(found.domain):
            raise StepError(
                f"{found.domain!r} is no domain.", "Give one in small letters: DOMAIN=your-shop.com."
            )
        return found

    @property
    def slug(self) -> str:
        """The name in stacks, addresses and protocols: your-shop."""
        return re.sub(r"[ -]", "-", self.title).lower()

    @property
    def identifier(self) -> str:
        """The name in code: your_shop."""
        return self.slug.replace("-", "_")

    @cached_property
    def spellings(self) -> re.Pattern[str]:
        """Finds the name in each spelling; the group that matches says which one."""
        named = {
            "domain": re.escape(self.domain),
            "title": re.escape(self.title),
            "constant": re.escape(self.identifier.upper()),
            "identifier": rf"{self.identifier}(?=_)|(?<=[a-z0-9]_){self.identifier}",
            "slug": re.escape(self.slug),
            "tracking_prefix": rf"(?<![0-9A-Za-z]){self.tracking_prefix}{_TRACKED}",
            "declared_prefix": rf'(?<=(?i:tracking_prefix) = "){self.tracking_prefix}(?=")',
        }
        return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in named.items()))

    @cached_property
    def remains(self) -> re.Pattern[str]:
        """Finds the name and the domain however they are written, also within a longer word."""
        words = [re.escape(word) for word in re.split(r"[ -]", self.title)]
        return re.compile(rf"{'[ _-]?'.join(words)}|{re.escape(self.domain)}", re.IGNORECASE)

    def replaced_in(self, text: str, new: "Product") -> str:
        """`text` with the other product's name in place of this one, spelling by spelling."""
        others = {
            "domain": new.domain,
            "title": new.title,
            "constant": new.identifier.upper(),
            "identifier": new.identifier,
            "slug": new.slug,
            "tracking_prefix": new.tracking_prefix,
            "declared_prefix": new.tracking_prefix,
        }
        return self.spellings.sub(lambda found: others[str(found.lastgroup)], text)
