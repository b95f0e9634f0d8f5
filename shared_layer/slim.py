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


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
    module, original = _HOMES[name]
    value = globals()[name] = getattr(import_module(module, __name__), original)
    return value
"""


def slim(library: Path, services: set[str]) -> None:
    """Slims the packages in `library`, whose botocore describes the AWS `services`."""
    data = library / "botocore" / "data"
    for model in [*data.rglob("service-2.json"), *data.rglob("service-2.json.gz")]:
        _empty_prose(model)
    _drop_endpoints(data / "endpoints.json", data, services)
    for package in (library / "aws_lambda_powertools").rglob("__init__.py"):
        _import_on_use(package)


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
    """Lets a package import the names that it only passes on at their first use (PEP 562)."""
    tree = ast.parse(package.read_bytes())
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    # A name that a submodule has, too, would become the submodule.
    submodules = {path.stem for path in package.parent.iterdir()}
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
    _write(package, ast.unparse(tree) + "\n" + _LAZY.format(homes=homes))


def _write(file: Path, content: str) -> None:
    # A new file: uv links what it installs to its cache, which a change in place would change as well.
    file.unlink(missing_ok=True)
    file.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    slim(Path(sys.argv[1]), set(sys.argv[2:]))
