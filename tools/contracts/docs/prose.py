"""The prose of a file, taken apart: Markdown, docstrings, comments, and descriptions in JSON and YAML."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any

_SKIPPED_FOLDERS = {
    ".aws-sam",
    ".git",
    ".local",
    ".venv",
    ".venv-cloud",
    ".venv-docs",
    ".venv-load",
    ".venv-sam",
    ".venv-scan",
    "__pycache__",
    "golden",
}
_LIST_ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s+")
# For a tool, not for a reader: `noqa: S101 - the reason` has only its reason read.
_DIRECTIVE = re.compile(r"^(?:(?:noqa|nosec|type: ignore|pragma|fmt|ruff)\b[^-#]*(?:- |# |$))+")
# An item of a page's contents repeats a heading of the page.
_OF_CONTENTS = re.compile(r"\[.*\]\(#[^)]*\)(?: \([^)]*\))?$")
_COMMENT = re.compile(r"(?:^|\s)#+(?:\s|$)(.*)")
_YAML_DESCRIPTION = re.compile(r"\s*Description:\s*([^>|\s].*)")
_DESCRIBING_KEYS = ("description", "summary", "Comment")


@dataclass(frozen=True)
class Passage:
    """A paragraph, and its place in the file: a line's number, or a path of JSON keys."""

    place: str
    text: str
    is_cell: bool = False
    is_title: bool = False


def files_under(path: Path) -> Iterator[Path]:
    """The files under `path` that hold prose, or `path` itself if it is a file."""
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    for file in found:
        if _SKIPPED_FOLDERS.isdisjoint(file.parts) and file.is_file() and _reader_of(file):
            yield file


def passages(path: Path) -> Iterator[Passage]:
    """The prose of one file."""
    reader = _reader_of(path)
    if reader:
        yield from reader(path.read_text(encoding="utf-8"))


def _reader_of(path: Path) -> Any:
    if path.name in {"Makefile", ".cfnlintrc.yaml"}:
        return comments
    return _READERS.get(path.suffix)


def markdown(text: str, first_line: int = 1) -> Iterator[Passage]:
    """Paragraphs, list items, headings and cells; code blocks are left out."""
    began, block, indent = first_line, list[str](), 0
    for number, line in _without_fences(text, first_line):
        bare = line.strip().removeprefix("<!--").removesuffix("-->").strip()
        item = _LIST_ITEM.match(line)
        if not block and not item and _indent(line) >= indent + 4:
            continue  # an indented code block
        continues = bare and block and not item and not bare.startswith(("|", "#"))
        if block and not continues:
            yield _paragraph(began, block)
            block = []
        if bare.startswith("|"):
            yield from _cells(bare, number)
        elif bare.startswith("#"):
            yield Passage(str(number), bare.lstrip("# "), is_title=True)
            indent = 0
        elif bare:
            began = began if block else number
            indent = item.end() if item else indent if _indent(line) else 0
            block.append(line[item.end() :].strip() if item else bare)
    if block:
        yield _paragraph(began, block)


def _paragraph(began: int, lines: list[str]) -> Passage:
    text = " ".join(lines)
    return Passage(str(began), text, is_title=_OF_CONTENTS.match(text) is not None)


def _without_fences(text: str, first_line: int) -> Iterator[tuple[int, str]]:
    """The lines and their numbers; an empty line in the place of each line of a code block."""
    in_code = False
    for number, line in enumerate(text.splitlines(), first_line):
        is_fence = line.strip().startswith("```")
        yield number, "" if in_code or is_fence else line
        in_code = in_code != is_fence


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _cells(row: str, number: int) -> Iterator[Passage]:
    for cell in re.split(r"(?<!\\)\|", row.strip("|")):
        if cell.strip(" -:"):
            yield Passage(str(number), cell.strip(), is_cell=True)


def python(text: str) -> Iterator[Passage]:
    """Docstrings, also those of attributes, and comments."""
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and type(node.value.value) is str
        ):
            yield from markdown(cleandoc(node.value.value), node.lineno)
    found = (
        (token.start[0], token.string.lstrip("#! "), not token.line[: token.start[1]].strip())
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    )
    yield from _joined(found)


def comments(text: str) -> Iterator[Passage]:
    """Comments that begin with `#`, and descriptions of a template on one line."""
    lines = list(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if described := _YAML_DESCRIPTION.match(line):
            yield Passage(str(number), described[1].strip("'\""))
    yield from _joined(
        (number, match[1], not line[: match.start()].strip())
        for number, line in lines
        if (match := _COMMENT.search(line))
    )


def _joined(found: Iterable[tuple[int, str, bool]]) -> Iterator[Passage]:
    """Comments on following lines as one passage; `found` has line, text, and whether it has the line to itself."""
    block, began, expected = list[str](), 0, 0
    for number, comment, alone in found:
        text = _DIRECTIVE.sub("", comment.strip())
        is_prose = any(letter.isalpha() for letter in text)
        if block and not (alone and number == expected and is_prose):
            yield from markdown("\n".join(block), began)
            block = []
        if is_prose:
            began = began if block else number
            block.append(text)
            expected = number + 1 if alone else 0
    if block:
        yield from markdown("\n".join(block), began)


def descriptions(text: str) -> Iterator[Passage]:
    """The descriptions of an OpenAPI or AsyncAPI document, a schema or a state machine."""
    yield from _described(json.loads(text), "")


def _described(value: Any, place: str) -> Iterator[Passage]:
    if isinstance(value, dict):
        for key, below in value.items():
            if key in _DESCRIBING_KEYS and isinstance(below, str):
                yield from (Passage(f"{place}/{key}", found.text) for found in markdown(below))
            elif key not in {"example", "examples"}:
                yield from _described(below, f"{place}/{key}")
    elif isinstance(value, list):
        for position, below in enumerate(value):
            yield from _described(below, f"{place}/{position}")


_READERS = {
    ".md": markdown,
    ".py": python,
    ".json": descriptions,
    ".yaml": comments,
    ".yml": comments,
    ".toml": comments,
    ".mk": comments,
}
