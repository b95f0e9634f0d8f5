"""The mails' texts: files under `templates/<language>/`, read once per execution environment.

A new language is a new folder with the same files.
"""

from functools import cache
from pathlib import Path
from string import Template

from notifications.domain import Templates, Topic, Wording

DEFAULT_LANGUAGE = "en"
_FOLDER = Path(__file__).parent / "templates"


@cache
def languages() -> frozenset[str]:
    """The languages that there are texts in, as ISO 639-1 codes."""
    return frozenset(folder.name for folder in _FOLDER.iterdir() if folder.is_dir())


@cache
def templates_for(topic: Topic, language: str) -> Templates:
    """The texts of `topic` in `language`, one of `languages()`."""
    return Templates(
        language=language,
        wording=Wording.model_validate_json(_read(language, "wording.json")),
        text=Template(_read(language, f"{topic}.txt")),
        html=Template(_read(language, f"{topic}.html")),
        text_line=Template(_read(language, "line.txt").rstrip("\n")),
        html_line=Template(_read(language, "line.html").rstrip("\n")),
    )


def _read(language: str, name: str) -> str:
    return (_FOLDER / language / name).read_text(encoding="utf-8")
