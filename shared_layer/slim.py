"""Makes a built layer start faster, without a change in what its packages do: `slim.py <library> <AWS service>...`.

It leaves out data that no function reads, and lets Powertools load a module when a function first uses it. Nothing
needs this step; the layer's Makefile says what it saves (docs/performance.md has the figures).
"""

import ast
import gzip
import json
import sys
from pathlib import Path
from typing import Any

_LAZY = """
from importlib import import_module

_HOMES = {homes!r}
_SUBMODULES = {submodules!r}
_own = globals().get("__getattr__")


def __getattr__(name):
    if name in _HOMES:
        module, original = _HOMES[name]
        value = globals()[name] = getattr(import_module(module, __name__), original)
        return value
    if name in _SUBMODULES:
        return import_module(f"{{__name__}}.{{name}}")
    if _own:
        return _own(name)
    raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
"""


# They import what a client needs for docstrings that nobody reads, and for HTTP/2, which botocore does not speak.
_IMPORT_LATE = ("botocore/docs/__init__.py", "botocore/docs/docstring.py", "urllib3/http2/__init__.py")


def slim(library: Path, services: set[str]) -> None:
    """Slims the packages in `library`, whose botocore describes the AWS `services`."""
    data = library / "botocore" / "data"
    for model in [*data.rglob("service-2.json"), *data.rglob("service-2.json.gz")]:
        _empty_prose(model)
    _drop_endpoints(data / "endpoints.json", data, services)
    for package in (library / "aws_lambda_powertools").rglob("__init__.py"):
        _import_on_use(package)
    for module in _IMPORT_LATE:
        _import_in_functions(library / module)
    _drop_plugins(library)
    _make_types_cheap(library / "pydantic_core" / "core_schema.py")


def _empty_prose(model: Path) -> None:
    """Empties the documentation of an AWS service's model; botocore shows it in docstrings alone.

    The keys stay, because botocore expects them in S3's model.
    """
    packed = model.suffix == ".gz"
    content = gzip.decompress(model.read_bytes()) if packed else model.read_bytes()
    described = _without_prose(json.loads(content))
    model.unlink()
    # Unpacked, because Lambda's own archive is packed already, and a function would unpack it at every start.
    _write(model.with_suffix("") if packed else model, json.dumps(described, separators=(",", ":")))


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: "" if key == "documentation" and isinstance(entry, str) else _without_prose(entry)
            for key, entry in value.items()
        }
    if isinstance(value, list):
        return [_without_prose(entry) for entry in value]
    return value


def _drop_endpoints(endpoints: Path, data: Path, services: set[str]) -> None:
    """Drops the endpoints of other services; botocore reads the whole list for each session."""
    prefixes = services | {
        json.loads(model.read_bytes())["metadata"]["endpointPrefix"] for model in data.rglob("service-2.json")
    }
    listed = json.loads(endpoints.read_bytes())
    for partition in listed["partitions"]:
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name in prefixes
        }
    _write(endpoints, json.dumps(listed, separators=(",", ":")))


def _import_on_use(package: Path) -> None:
    """Lets a package import the names that it only passes on at their first use (PEP 562).

    Its submodules are its attributes still, as if they were imported. A rule of its own for other names stays.
    """
    tree = ast.parse(package.read_bytes())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    # A name that a submodule has, too, would become the submodule.
    submodules = sorted({path.stem for path in package.parent.iterdir()} - {"__init__", "__pycache__"})
    homes: dict[str, tuple[str, str]] = {}
    for statement in tree.body:
        if not isinstance(statement, ast.ImportFrom) or statement.module == "__future__":
            continue
        lazy = {name: name.asname or name.name for name in statement.names}
        lazy = {name: public for name, public in lazy.items() if public not in {"*", *used, *submodules}}
        module = "." * statement.level + (statement.module or "")
        homes |= {public: (module, name.name) for name, public in lazy.items()}
        statement.names = [name for name in statement.names if name not in lazy]
    if not homes:
        return
    tree.body = [
        statement for statement in tree.body if not isinstance(statement, ast.ImportFrom) or statement.names
    ]
    _write(package, ast.unparse(tree) + "\n" + _LAZY.format(homes=homes, submodules=submodules))


def _import_in_functions(module: Path) -> None:
    """Moves each import of a module that only its functions use into these functions."""
    tree = ast.parse(module.read_bytes())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    within = {id(node) for function in functions for part in function.body for node in ast.walk(part)}
    needed = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in within}
    moved = [
        statement
        for statement in tree.body
        if isinstance(statement, ast.Import | ast.ImportFrom) and not needed & _bound_by(statement)
        if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
    ]
    tree.body = [statement for statement in tree.body if statement not in moved]
    for function in functions:
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        function.body[:0] = [statement for statement in moved if used & _bound_by(statement)]
    _write(module, ast.unparse(tree))


def _drop_plugins(library: Path) -> None:
    """Spares pydantic the search for plugins in all packages, if none is one."""
    if not any("[pydantic]" in points.read_text() for points in library.glob("*.dist-info/entry_points.txt")):
        _write(library / "pydantic" / "plugin" / "_loader.py", "def get_plugins():\n    return ()\n")


def _make_types_cheap(module: Path) -> None:
    """Makes plain dictionaries of the hundred TypedDicts of `module`, which serve type checkers alone.

    To make them is a twentieth of a cold start.
    """
    plain = "class TypedDict(dict):\n    def __init_subclass__(cls, **_): ...\n"
    tree = ast.parse(module.read_bytes())
    first = next(place for place, node in enumerate(tree.body) if isinstance(node, ast.ClassDef))
    tree.body[first:first] = ast.parse(plain).body
    _write(module, ast.unparse(tree))


def _bound_by(statement: ast.Import | ast.ImportFrom) -> set[str]:
    return {name.asname or name.name.partition(".")[0] for name in statement.names}


def _write(file: Path, content: str) -> None:
    # A new file: uv links what it installs to its cache, which a change in place would change as well.
    file.unlink(missing_ok=True)
    file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    slim(Path(sys.argv[1]), set(sys.argv[2:]))
