"""What counts as more than a budget, and as bytecode that a cold start takes as it is."""

import compileall
import py_compile
from pathlib import Path

import pytest

from benchmarks.starts.built import Subject, start
from tests.budgets.file import budgets, over
from tests.budgets.packages import counted, without_bytecode

UNCHECKED = py_compile.PycInvalidationMode.UNCHECKED_HASH


def test_more_than_the_budget_is_over_it_and_so_is_anything_without_one() -> None:
    budget = {"dynamodb:GetItem": 2, "write OrdersTable": 4}
    assert not over({"dynamodb:GetItem": 1, "write OrdersTable": 4}, budget)
    assert over({"dynamodb:GetItem": 3}, budget) == ["dynamodb:GetItem: 3, and the budget is 2"]
    assert over({"sqs:SendMessage": 1}, budget) == ["sqs:SendMessage: 1, and the budget is 0"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text("OPEN = True\n")
    compileall.compile_dir(tmp_path, quiet=1, invalidation_mode=UNCHECKED)
    return tmp_path


def test_bytecode_that_names_its_source_by_a_hash_is_taken_as_it_is(package: Path) -> None:
    assert not list(without_bytecode(package))


def test_bytecode_that_is_missing_or_of_another_source_is_found(package: Path) -> None:
    (package / "shop.py").write_text("OPEN = False\n")
    (package / "till.py").write_text("EMPTY = True\n")
    assert list(without_bytecode(package)) == ["shop.py", "till.py"]


@pytest.mark.parametrize("mode", set(py_compile.PycInvalidationMode) - {UNCHECKED})
def test_bytecode_that_is_compared_with_its_source_is_found(
    package: Path, mode: py_compile.PycInvalidationMode
) -> None:
    compileall.compile_dir(package, quiet=1, force=True, invalidation_mode=mode)
    assert list(without_bytecode(package)) == ["shop.py"]


def test_each_module_that_only_some_functions_may_import_has_its_list() -> None:
    known = set(budgets()["functions"])
    for name, functions in budgets()["imported_only_by"].items():
        assert set(functions) <= known, name


def test_a_modules_second_name_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("import sys, till\nsys.modules['shop.till'] = till\n")
    (tmp_path / "till.py").write_text("EMPTY = True\n")
    shop = Subject("shop", "shop.handler", (tmp_path,))
    assert counted(shop, start(shop).modules) == {"shop": 1, "till": 1}
