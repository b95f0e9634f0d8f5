"""A cold start loads no more than its budget, from packages that are no larger. `make budgets` renews the budgets."""

import pytest

from benchmarks.starts.built import BUILD, LAYER, Subject, built_functions
from tests.budgets.file import RENEW, budgets, over
from tests.budgets.packages import counted, imported, size, without_bytecode
from tools.stack import Stack

FUNCTIONS = built_functions()
# A package may grow by so much without a new budget.
_TOLERANCE = 1.05
_LEAST_BYTES = 16 * 1024


@pytest.fixture(scope="module")
def modules(stack: Stack) -> dict[str, dict[str, str]]:
    """By function, the modules that a cold start imports."""
    return imported()


def test_every_function_has_a_budget() -> None:
    assert {function.name for function in FUNCTIONS} == set(budgets()["functions"]), RENEW


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_cold_start_imports_no_more_modules_than_its_budget(
    modules: dict[str, dict[str, str]], function: Subject
) -> None:
    found = counted(function, modules[function.name])
    problems = over(found, budgets()["functions"][function.name]["modules"])
    assert not problems, "\n".join([*problems, RENEW])


@pytest.mark.parametrize("name", budgets()["imported_only_by"])
def test_only_some_functions_import_a_heavy_module(modules: dict[str, dict[str, str]], name: str) -> None:
    importers = {function for function, found in modules.items() if name in found}
    assert importers <= set(budgets()["imported_only_by"][name])


def test_a_cold_start_takes_the_methods_of_dataclasses_that_the_build_compiled(
    modules: dict[str, dict[str, str]],
) -> None:
    without = [function for function, found in modules.items() if "dataclass_methods.shared" not in found]
    assert not without


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_package_is_no_larger_than_its_budget(stack: Stack, function: Subject) -> None:
    assert size(function.folders[0]) <= allowed(budgets()["functions"][function.name]["bytes"]), RENEW


def test_the_layer_is_no_larger_than_its_budget(stack: Stack) -> None:
    assert size(BUILD / LAYER.parent) <= allowed(budgets()["layer_bytes"]), RENEW


def test_a_cold_start_compiles_nothing(stack: Stack) -> None:
    assert not list(without_bytecode(BUILD))


def allowed(size_then: int) -> float:
    return max(size_then * _TOLERANCE, size_then + _LEAST_BYTES)
