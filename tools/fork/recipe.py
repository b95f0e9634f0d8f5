"""A recipe: what else leaves the tree with a service, in files that only a person can tell. recipes/without/*.toml.

Each part of a recipe must find its place, so a recipe that no longer fits says so.
"""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tools.console import StepError
from tools.settings import REPOSITORY

RECIPES = REPOSITORY / "recipes" / "without"
_HEADING = re.compile(r"^(#+) ")


class Edit(BaseModel):
    """What leaves one file, or each file of a pattern.

    `lines` are patterns; each removes all lines that it is found in. `sections` are headings of Markdown, which go
    with all below them. `definitions` are functions, classes and variables of Python; `entries` are elements of its
    lists, calls and dictionaries, by the text that they begin with. `replace` has pairs of a text that occurs once,
    and the text in place of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    lines: Sequence[str] = ()
    sections: Sequence[str] = ()
    definitions: Sequence[str] = ()
    entries: Sequence[str] = ()
    replace: Sequence[tuple[str, str]] = ()

    def applied(self, text: str) -> str:
        """The file's text afterwards; raises StepError with the part that finds no place."""
        for name in self.definitions:
            text = self._without_definition(text, name)
        for name in self.entries:
            text = self._without_entry(text, name)
        for heading in self.sections:
            text = self._without_section(text, heading)
        for pattern in self.lines:
            kept = [line for line in text.split("\n") if not re.search(pattern, line)]
            if len(kept) == text.count("\n") + 1:
                self._fail(f"no line with {pattern}")
            text = "\n".join(kept)
        for old, new in self.replace:
            if text.count(old) != 1:
                self._fail(f"{text.count(old)} times, not once, the text\n{old}")
            text = text.replace(old, new)
        return text

    def _without_definition(self, text: str, name: str) -> str:
        owner, _, member = name.rpartition(".")
        body: Sequence[ast.stmt] = ast.parse(text).body
        if owner:
            classes = [node for node in body if isinstance(node, ast.ClassDef) and node.name == owner]
            body = classes[0].body if classes else ()
        lines = text.split("\n")
        for node in body:
            if member not in _names(node):
                continue
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]) - 1
            last = node.end_lineno or node.lineno
            # A string below an assignment describes it.
            following = body[body.index(node) + 1 : body.index(node) + 2]
            if isinstance(node, ast.Assign | ast.AnnAssign) and following and _is_text(following[0]):
                last = following[0].end_lineno or last
            while first and re.match(r" *# ", lines[first - 1]):
                first -= 1
            while first and last < len(lines) and not lines[first - 1].strip() and not lines[last].strip():
                last += 1
            return "\n".join([*lines[:first], *lines[last:]])
        return self._fail(f"no definition of {name}")

    def _without_entry(self, text: str, name: str) -> str:
        for node in ast.walk(ast.parse(text)):
            for first, last in _elements_of(node):
                if isinstance(first, ast.Constant) and first.value == name:
                    begin = (first if isinstance(node, ast.Dict) else last).lineno
                    end = last.end_lineno or last.lineno
                    lines = text.split("\n")
                    return "\n".join([*lines[: begin - 1], *lines[end:]])
        return self._fail(f"no entry that begins with {name!r}")

    def _without_section(self, text: str, heading: str) -> str:
        lines = text.split("\n")
        if heading not in lines:
            self._fail(f"no heading {heading}")
        start = lines.index(heading)
        depth = heading.index(" ")
        end = start + 1
        while end < len(lines) and not ((found := _HEADING.match(lines[end])) and len(found[1]) <= depth):
            end += 1
        return "\n".join([*lines[:start], *lines[end:]]).rstrip("\n") + "\n"

    def _fail(self, why: str) -> str:
        raise StepError(
            f"{self.file} has {why}.", "The recipe is older than the file: correct it. Nothing was changed."
        )


class Recipe(BaseModel):
    """What leaves the tree with a service beside its section of the template, its folder, its tests and examples.

    `loses` says to a person what the shop lacks then. `resources` are further ones of the template, `paths` the API's
    routes with what is below them, and `files` patterns of files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    loses: str
    resources: Sequence[str] = ()
    paths: Sequence[str] = ()
    files: Sequence[str] = ()
    edits: Sequence[Edit] = ()


def recipes() -> dict[str, Recipe]:
    """Each recipe by the service that it leaves out; raises ValidationError for a wrong key."""
    return {
        path.stem: Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(RECIPES.glob("*.toml"))
    }


def matching(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """The files that match; raises StepError for a pattern without one."""
    for pattern in patterns:
        found = [path for path in root.glob(pattern) if path.is_file() and "__pycache__" not in path.parts]
        if not found:
            raise StepError(f"{pattern} matches no file.", "Correct the recipe. Nothing was changed.")
        yield from found


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.TypeAlias(name=ast.Name(id=name)):
            return {name}
        case _:
            return set()


def _elements_of(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Where each entry begins, and the node that it ends with."""
    match node:
        case ast.Dict(keys=keys, values=values):
            yield from ((key, value) for key, value in zip(keys, values, strict=True) if key is not None)
        case ast.Call(args=[first, *_]) | ast.Tuple(elts=[first, *_]):
            yield first, node


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
