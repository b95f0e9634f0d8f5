"""Reads the words and the layout of mails from the package's own folder `templates`.

A new language is a new file `templates/wording/<language>.json`. A test compares it with English, key by key.
"""

from functools import cache
from pathlib import Path
from string import Template

from notifications.domain.wording import Wording, language_for

_FOLDER = Path(__file__).parents[1] / "templates"


class Templates:
    """The words and the layout. Each file is read once, when it is first needed."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._wordings = folder / "wording"
        self._layouts = folder / "layout"
        self.languages = frozenset(file.stem for file in self._wordings.glob("*.json"))
        """The languages of the wordings, as ISO 639-1 codes."""
        self.wording_in = cache(self._wording_in)
        """Returns the words of one of `languages`."""
        self.layout = cache(self._layout)
        """Returns the template of a part of a mail, by its file name in `templates/layout`."""

    def wording_for(self, locale: str) -> Wording:
        """The words for a reader with `locale`, a BCP 47 tag."""
        return self.wording_in(language_for(locale, self.languages))

    def _wording_in(self, language: str) -> Wording:
        return Wording.model_validate_json((self._wordings / f"{language}.json").read_bytes())

    def _layout(self, name: str) -> Template:
        return Template((self._layouts / name).read_text(encoding="utf-8").rstrip("\n"))
