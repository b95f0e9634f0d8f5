"""Makes a built layer start faster, without a change in what its packages do: `slim.py <library> <AWS service>...`.

It leaves out data that no function reads, and lets Powertools load a module when a function first uses it. Nothing
needs this step; the layer's Makefile says what it saves (docs/performance.md has the figures).
"""

import ast
import gzip
import json
import sys
from collections.abc import Iterable
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


# These modules import a package when a function of theirs uses it: the named packages, or each one that no other code
# uses. Docstrings that nobody reads need the first two, HTTP/2 the third. The others read times, and Lambda's
# credentials have none.
_IMPORT_LATE: dict[str, set[str]] = {
    "botocore/docs/__init__.py": set(),
    "botocore/docs/docstring.py": set(),
    "urllib3/http2/__init__.py": set(),
    "botocore/compat.py": {"dateutil"},
    "botocore/credentials.py": {"dateutil"},
    "botocore/tokens.py": {"dateutil"},
    "botocore/utils.py": {"dateutil"},
}

# botocore asks this of each of its 130 handlers, and makes a whole signature for the answer.
_ACCEPTS_KWARGS = """
def accepts_kwargs(func):
    code = getattr(getattr(func, "__func__", func), "__code__", None)
    return code.co_flags & inspect.CO_VARKEYWORDS if code else inspect.getfullargspec(func)[2]
"""


def slim(library: Path, services: set[str]) -> None:
    """Slims the packages in `library`, whose botocore describes the AWS `services`."""
    data = library / "botocore" / "data"
    for model in [*data.rglob("service-2.json"), *data.rglob("service-2.json.gz")]:
        _empty_prose(model)
    _pass_attribute_values_on(data)
    _drop_endpoints(data / "endpoints.json", data, services)
    for package in (library / "aws_lambda_powertools").rglob("__init__.py"):
        _import_on_use(package)
    for module, packages in _IMPORT_LATE.items():
        _import_in_functions(library / module, packages)
    _drop_aliases(library / "botocore" / "utils.py", data)
    _replace_function(library / "botocore" / "compat.py", _ACCEPTS_KWARGS)
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


def _pass_attribute_values_on(data: Path) -> None:
    """Has botocore pass DynamoDB's attribute values on as JSON has them, and not copy each part of them.

    `shared.dynamo` makes and reads them. Only bytes differ in JSON, and no function stores any.
    """
    for model in data.glob("dynamodb/*/service-2.json"):
        described = json.loads(model.read_bytes())
        # What Smithy calls a document is any JSON: https://smithy.io/2.0/spec/simple-types.html#document
        described["shapes"]["AttributeValue"]["document"] = True
        _write(model, json.dumps(described, separators=(",", ":")))


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


def _import_in_functions(module: Path, packages: set[str]) -> None:
    """Moves each import that only a module's functions use to where they use it; with `packages`, only theirs."""
    tree = ast.parse(module.read_bytes())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    within = {id(node) for function in functions for part in function.body for node in ast.walk(part)}
    needed = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in within}
    moved = [
        statement
        for statement in tree.body
        if isinstance(statement, ast.Import | ast.ImportFrom) and not needed & _bound_by(statement)
        if "__future__" not in _packages_of(statement)
        if not packages or packages & _packages_of(statement)
    ]
    tree.body = [statement for statement in tree.body if statement not in moved]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) or id(node) in within:
            _import_before_use(node, moved)
    _write(module, ast.unparse(tree))


def _import_before_use(node: ast.AST, imports: Iterable[ast.Import | ast.ImportFrom]) -> None:
    """Puts each import before every statement in the node's blocks that uses it outside of blocks of its own."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            block[:] = [
                part
                for statement in block
                for part in (
                    *(each for each in imports if _own_names(statement) & _bound_by(each)),
                    statement,
                )
            ]


def _own_names(node: ast.AST) -> set[str]:
    """The names in a node without those in its blocks."""
    names = {node.id} if isinstance(node, ast.Name) else set()
    return names.union(
        *(_own_names(part) for part in ast.iter_child_nodes(node) if not isinstance(part, ast.stmt))
    )


def _drop_aliases(module: Path, data: Path) -> None:
    """Drops the former names of other services, which botocore compares with the name of each event."""
    services = {
        json.loads(model.read_bytes())["metadata"]["serviceId"].replace(" ", "-").lower()
        for model in data.rglob("service-2.json")
    }
    tree = ast.parse(module.read_bytes())
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "EVENT_ALIASES":
            aliases = ast.literal_eval(statement.value)
            kept = {alias: service for alias, service in aliases.items() if service in services}
            statement.value = ast.parse(repr(kept), mode="eval").body
    _write(module, ast.unparse(tree))


def _replace_function(module: Path, code: str) -> None:
    """Replaces a function of a module by one that does the same."""
    (replacement,) = ast.parse(code).body
    tree = ast.parse(module.read_bytes())
    names = [getattr(statement, "name", None) for statement in tree.body]
    tree.body[names.index(getattr(replacement, "name", None))] = replacement
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


def _packages_of(statement: ast.Import | ast.ImportFrom) -> set[str]:
    if isinstance(statement, ast.ImportFrom):
        return {(statement.module or "").partition(".")[0]}
    return {name.name.partition(".")[0] for name in statement.names}


def _write(file: Path, content: str) -> None:
    # A new file: uv links what it installs to its cache, which a change in place would change as well.
    file.unlink(missing_ok=True)
    file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    slim(Path(sys.argv[1]), set(sys.argv[2:]))
