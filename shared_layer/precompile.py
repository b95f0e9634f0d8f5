"""Compiles the methods of a built layer's dataclasses, as Python does at each start: `precompile.py <library>`.

Python writes the methods of a dataclass as text, and compiles it when the class is made. This step makes the same texts
from the classes' fields, without an import of their modules. It puts their bytecode beside the packages. At a start
`exec` of the module `dataclasses` takes the code of a text that it finds there, and compiles any other text as usual.

Nothing needs this step; the layer's Makefile calls it (docs/performance.md has the figures).
"""

import ast
import dataclasses
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_PACKAGES = ("annotated_types", "aws_lambda_powertools", "botocore", "pydantic", "shared")
_HOME = "dataclass_methods"
_HOOK = '''"""Bytecode for the methods of dataclasses, by package and text (shared_layer/precompile.py)."""

import dataclasses
from functools import cache
from importlib import import_module
from types import FunctionType

_PACKAGES = {packages!r}


def _exec(text, names, made):
    code = _compiled(names.get("__name__", "").partition(".")[0]).get(text)
    if code:
        made["__create_fn__"] = FunctionType(code, names)
    else:
        exec(text, names, made)


@cache
def _compiled(package):
    return import_module(f"{{__name__}}.{{package}}").CODE if package in _PACKAGES else {{}}


dataclasses.exec = _exec
'''


def precompile(library: Path) -> None:
    """Adds the package to `library` that has the methods of the others' dataclasses."""
    home = library / _HOME
    home.mkdir()
    packages = [package for package in _PACKAGES if (library / package).is_dir()]
    (home / "__init__.py").write_text(_HOOK.format(packages=packages), encoding="utf-8")
    for package in packages:
        texts = {text for module in (library / package).rglob("*.py") for text in _texts_of(module)}
        code = [f"{text}\nCODE[{text!r}] = __create_fn__.__code__\n" for text in sorted(texts)]
        (home / f"{package}.py").write_text("\n".join(["CODE = {}", *code]), encoding="utf-8")


def _texts_of(module: Path) -> Iterator[str]:
    """The texts that Python compiles for the dataclasses of a module."""
    source = module.read_text(encoding="utf-8")
    if "dataclass" not in source:
        return
    names: dict[str, Any] = {"dataclass": dataclasses.dataclass, "field": dataclasses.field}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.ClassDef) and (options := _options_of(statement)) is not None:
            # A class of another form keeps its methods compiled at the start.
            with suppress(AttributeError, NameError, TypeError, ValueError):
                yield _text_of(_outline(statement, options, names), names)


def _text_of(outline: ast.ClassDef, names: dict[str, Any]) -> str:
    """The text for a class, which is made and added to `names`."""
    texts: list[str] = []

    def recorded(text: str, known: Any, made: Any) -> None:
        texts.append(text)
        exec(text, known, made)  # noqa: S102 # nosec B102 - as dataclasses do

    code = compile(ast.fix_missing_locations(ast.Module([outline], [])), "<outline>", "exec")
    vars(dataclasses)["exec"] = recorded
    try:
        exec(code, names)  # noqa: S102 # nosec B102 - the class without the code in it
    finally:
        del vars(dataclasses)["exec"]
    (text,) = texts
    return text


def _options_of(statement: ast.ClassDef) -> list[ast.keyword] | None:
    """The options of the class's decorator `dataclass`, if it has one."""
    for decorator in statement.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(called).rpartition(".")[2] == "dataclass":
            return decorator.keywords if isinstance(decorator, ast.Call) else []
    return None


def _outline(statement: ast.ClassDef, options: list[ast.keyword], names: dict[str, Any]) -> ast.ClassDef:
    """The class as far as the text of its methods depends on it: options, bases, fields, and names of methods."""
    body: list[ast.stmt] = [ast.Pass()]
    for part in statement.body:
        if isinstance(part, ast.FunctionDef):
            body += ast.parse(f"def {part.name}(self): ...").body
        elif isinstance(part, ast.AnnAssign) and "ClassVar" not in ast.unparse(part.annotation):
            body += ast.parse(f"{ast.unparse(part.target)}: object{_default(part.value)}").body
    kept = [option for option in options if isinstance(option.value, ast.Constant)]
    return ast.ClassDef(
        name=statement.name,
        bases=[base for base in statement.bases if ast.unparse(base) in names],
        keywords=[],
        body=body,
        decorator_list=[ast.Call(ast.Name("dataclass", ast.Load()), [], kept)],
        type_params=[],
    )


def _default(value: ast.expr | None) -> str:
    """A field's default in a short form: the text depends on its being there."""
    if value is None:
        return ""
    if not (isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field"):
        return " = 0"
    given = {str(option.arg): option.value for option in value.keywords}
    short = {"default": "0", "default_factory": "list"}
    shown = {name: short.get(name) or ast.unparse(expression) for name, expression in given.items()}
    return f" = field({', '.join(f'{name}={text}' for name, text in shown.items())})"


if __name__ == "__main__":
    precompile(Path(sys.argv[1]))
