"""Reads the report's page template, a file of this package."""

from pathlib import Path
from string import Template

_FILE = Path(__file__).parents[1] / "templates" / "page.html"


def read_page_template() -> Template:
    """The template of the page."""
    return Template(_FILE.read_text(encoding="utf-8"))
