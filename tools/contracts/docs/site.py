"""`make docs`: the Markdown documents as one site, with search. This module lays out the pages; Zensical renders them.

The pages keep their places of the repository, so a link from one document to another works as it does on GitHub. A
source that a document links becomes a page as well, with its code. So the site leads nowhere else to show it.
"""

import argparse
import re
import shutil
from pathlib import Path

from tools.command_line import Subcommands, add_command
from tools.settings import REPOSITORY

PAGES = REPOSITORY / "build" / "pages"

PICTURES = REPOSITORY / "docs" / "images"

FOLDERS = (".", "benchmarks", "docs", "docs/*", "services/*", "tests/faults")
"""Where documents are; each has its place in the navigation of zensical.toml."""

_NO_PAGES = {"AGENTS.md"}
"""Cut out of another page."""

_LINK = re.compile(r"(?<=\]\()(?P<path>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")
_LANGUAGES = {".py": "python", ".json": "json", ".yml": "yaml", ".yaml": "yaml", ".toml": "toml"}
_FENCED = re.compile(r"(```.*?```)", re.DOTALL)
# Longer than any fence in a source.
_FENCE = "`" * 8


def register(subcommands: Subcommands) -> None:
    """Registers `docs-pages`."""
    add_command(
        subcommands, "docs-pages", _lay_out, description="lay out the pages of the site in build/pages"
    )


def _lay_out(_: argparse.Namespace) -> None:
    shutil.rmtree(PAGES, ignore_errors=True)
    made = pages()
    for name, text in made.items():
        file = PAGES / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    shutil.copytree(PICTURES, PAGES / PICTURES.relative_to(REPOSITORY))
    print(f"{len(made)} pages in {PAGES.relative_to(REPOSITORY)}")


def documents() -> list[Path]:
    """The Markdown files that are pages."""
    found = (path for folder in FOLDERS for path in sorted(REPOSITORY.glob(f"{folder}/*.md")))
    return [path for path in found if path.name not in _NO_PAGES]


def pages() -> dict[str, str]:
    """The text of each page by its path in the site's source: all documents, and the sources that they link."""
    known = set(documents())
    made: dict[str, str] = {}
    for document in known:
        place = Path(_place(document))

        def lead(link: re.Match[str], document: Path = document, place: Path = place) -> str:
            target = (document.parent / link["path"]).resolve()
            if not target.is_file() or target in known or target.is_relative_to(PICTURES):
                return link[0]
            made[_place(target)] = _page_of(target)
            return Path(_place(target)).relative_to(place.parent, walk_up=True).as_posix()

        parts = _FENCED.split(document.read_text(encoding="utf-8"))
        # Every second part is a fence.
        made[place.as_posix()] = "".join(
            part if number % 2 else _LINK.sub(lead, part) for number, part in enumerate(parts)
        )
    return made


def _place(file: Path) -> str:
    """Where a file's page is. Hosts leave out folders whose names begin with a dot."""
    name = file.relative_to(REPOSITORY).as_posix().removeprefix(".")
    return name if file.suffix == ".md" else f"{name}.md"


def _page_of(source: Path) -> str:
    name = source.relative_to(REPOSITORY).as_posix()
    language = _LANGUAGES.get(source.suffix, "text")
    return f"# `{name}`\n\n{_FENCE}{language}\n{source.read_text(encoding='utf-8').rstrip()}\n{_FENCE}\n"
