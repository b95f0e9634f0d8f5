"""Renders the templates of `templates/`; an unknown variable is an error."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATES = Path(__file__).parent / "templates"


def rendered(name: str, values: Mapping[str, Any]) -> str:
    """The text of `templates/<name>.jinja` with these values; raises UndefinedError for one that is missing."""
    return _environment().get_template(f"{name}.jinja").render(values)


def reading(function: str, latest: int) -> str:
    """What a consumer reads of one type: the function for all versions up to the `latest`, as Python.

    An earlier version may still wait in a queue, and is in the archive.
    """
    if latest == 1:
        return function
    return "{" + ", ".join(f"{version}: {function}" for version in range(1, latest + 1)) + "}"


def words_of(name: str) -> str:
    """A name as words: gift card."""
    return name.replace("_", " ").replace("-", " ")


def with_article(words: str) -> str:
    """The words after `a` or `an`."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def in_backticks(texts: Iterable[str]) -> str:
    """The texts as code in Markdown, with commas between them."""
    return ", ".join(f"`{text}`" for text in texts)


def _environment() -> Environment:
    # The results are Python, YAML and Markdown, so nothing is escaped as in HTML.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 # nosec B701 - no HTML
    )
    environment.filters |= {
        "in_backticks": in_backticks,
        "list_of_texts": lambda texts: json.dumps(list(texts)),
        "set_of_texts": lambda texts: "{" + ", ".join(map(json.dumps, texts)) + "}",
        "reading": reading,
        "words": words_of,
    }
    return environment
