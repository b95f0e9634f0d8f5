"""The house is as docs/architecture.md describes it: the same folders in every service, and one name for one thing."""

import ast
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from tests.template import EVENTS, Function, functions
from tools.settings import REPOSITORY

SERVICES = sorted(path for path in (REPOSITORY / "services").iterdir() if path.is_dir())
FUNCTIONS = functions()
# Belong to the API's function: its answers, and routes and lookups that would make it too long.
_BESIDE_THE_API = re.compile(r"views|\w+_routes|\w+_requests")
# What DynamoDB's requests and items are made of.
_NAMES_A_KEY = {"pk", "sk", "TableName", "IndexName", "KeyConditionExpression", "ConditionExpression"}
_LONGEST_FILE = 400
# The reason stands beside the file's name.
_LONGER = {
    "services/orders/orders/domain/order.py": "one aggregate, which a reader takes in at one sitting",
}
_SUFFIX = re.compile(r"(e|s|es|d|ed|er|r|or|ing|ment|ments|ion|ions|ation|iation|ure|al|ally)?")


def package(service: Path) -> Path:
    return service / service.name


def modules(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if path.name != "__init__.py")


def code_of(folder: Path, layer: str) -> list[Path]:
    module, several = folder / f"{layer}.py", folder / layer
    return [module] if module.exists() else list(modules(several))


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_has_these_layers_and_nothing_else(service: Path) -> None:
    python = {path.stem for path in package(service).glob("*.py")}
    folders = {path.name for path in package(service).iterdir() if (path / "__init__.py").exists()}
    assert "functions" in folders
    assert python | folders <= {"__init__", "functions", "domain", "adapters", "dependencies"}
    assert not python & folders


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_module_of_functions_is_one_function_that_lambda_runs(service: Path) -> None:
    handlers = [function.handler.split(".") for function in FUNCTIONS]
    deployed = {module for owner, _, module, _ in handlers if owner == service.name}
    there = {path.stem for path in modules(package(service) / "functions")}
    assert {name for name in there if not _BESIDE_THE_API.fullmatch(name)} == deployed


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_function_imports_shared_before_all_else(service: Path) -> None:
    """It puts garbage collection off until the function has started."""
    _, *code = ast.parse((package(service) / "functions" / "__init__.py").read_bytes()).body
    assert [ast.unparse(statement) for statement in code] == ["import shared"]
    assert not ast.parse((package(service) / "__init__.py").read_bytes()).body[1:]


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_a_function_its_module_and_its_examples_have_one_name(function: Function) -> None:
    service, layer, module, handler = function.handler.split(".")
    assert (layer, handler) == ("functions", "handler")
    camel = "".join(word.capitalize() for word in f"{service}_{module}".split("_"))
    assert function.name == f"{camel}Function"
    assert function.examples
    for example in function.examples:
        assert example.startswith(f"{service}_{module}")
        assert (EVENTS / example).exists()


def test_every_example_event_is_of_a_function() -> None:
    known = {example for function in FUNCTIONS for example in function.examples}
    assert {path.name for path in EVENTS.glob("*.json")} == known


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_only_adapters_name_a_key_of_a_table(service: Path) -> None:
    folder = package(service)
    others = [*modules(folder / "functions"), *code_of(folder, "domain"), *code_of(folder, "dependencies")]
    named = {
        f"{path.relative_to(folder)}:{node.lineno} {node.value}"
        for path in others
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in _NAMES_A_KEY
    }
    assert not named


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_table_with_transactions_is_written_through_the_versioned_table_alone(service: Path) -> None:
    """It repeats a single write that meets a transaction."""
    past_it = [
        str(path.relative_to(service))
        for path in modules(service)
        if "VersionedTable(" in path.read_text()
        and re.search(r"\b(put|update|delete)_item\(|transact_write_items\(", path.read_text())
    ]
    assert not past_it


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_no_two_modules_of_a_service_differ_by_a_suffix_alone(service: Path) -> None:
    names = sorted({path.stem for path in modules(package(service))})
    alike = [(one, other) for one, other in combinations(names, 2) if differ_by_a_suffix(one, other)]
    assert not alike


def test_no_file_is_too_long_to_take_in() -> None:
    long = {
        str(path.relative_to(REPOSITORY))
        for root in ("services", "shared_layer", "tools")
        for path in modules(REPOSITORY / root)
        if len(path.read_text().splitlines()) > _LONGEST_FILE
    }
    assert long == set(_LONGER)


def differ_by_a_suffix(one: str, other: str) -> bool:
    """`fulfil` and `fulfilment`, `price` and `pricing`; not `order` and `order_request`."""
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    return common >= 4 and all(_SUFFIX.fullmatch(name[common:]) for name in (one, other))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("fulfil", "fulfilment", True),
        ("price", "pricing", True),
        ("placement", "placements", True),
        ("reconcile", "reconciler", True),
        ("order", "order_request", False),
        ("order_store", "price_store", False),
        ("import_check", "import_chunk", False),
    ],
)
def test_what_differs_by_a_suffix_alone(one: str, other: str, alike: bool) -> None:
    assert differ_by_a_suffix(one, other) is alike
