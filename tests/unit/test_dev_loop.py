"""What `make dev` does for a changed file: the part that it deploys, the tests that it runs, and their verdict."""

import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest
from watchfiles import Change

from tools.cloud.packages import of_service
from tools.cloud.parts import SHARED, STACK, part_of
from tools.cloud.sync import Function
from tools.console import StepError
from tools.dev.command import SourceFilter
from tools.dev.concerned import concerned_tests
from tools.dev.embedded import refuse_aws
from tools.dev.import_check import location
from tools.dev.shared_code import SharedCode
from tools.dev.tests_beside import verdict
from tools.settings import REPOSITORY


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("services/orders/orders/domain/pricing.py", "orders"),
        ("services/notifications/notifications/templates/layout/bill.html", "notifications"),
        ("services/payments_sandbox/payments_sandbox/domain.py", "payments_sandbox"),
        ("shared_layer/shared/money.py", SHARED),
        ("services/image_processor/requirements.txt", STACK),
        ("services/live/requirements/LiveAuthorizerFunction.txt", STACK),
        ("services/orders/Makefile", STACK),
        ("shared_layer/slim.py", STACK),
        ("statemachines/order_saga.asl.json", STACK),
        ("template.yaml", STACK),
        ("requirements/runtime.txt", STACK),
        ("services/orders/README.md", None),
        ("services/orders/orders/__pycache__/dependencies.cpython-313.pyc", None),
        ("requirements/dev.txt", None),
        ("tests/unit/test_layout.py", None),
        ("README.md", None),
    ],
)
def test_a_file_belongs_to_one_part_of_the_stack(path: str, part: str | None) -> None:
    assert part_of(PurePosixPath(path)) == part


@pytest.mark.parametrize(
    ("path", "concerns"),
    [
        ("services/orders/orders/domain/pricing.py", True),
        ("template.yaml", True),
        ("tests/unit/test_layout.py", True),
        ("services/orders/orders/domain/.pricing.py.swp", False),
        ("services/orders/orders/domain/__pycache__/pricing.cpython-313.pyc", False),
        ("tests/unit/__pycache__/test_layout.cpython-313-pytest-9.0.0.pyc", False),
        ("tests/budgets/budgets.json", False),
        ("requirements/dev.txt", False),
    ],
)
def test_the_watch_sees_sources_and_not_what_tools_and_editors_leave(path: str, *, concerns: bool) -> None:
    assert SourceFilter()(Change.modified, str(REPOSITORY / path)) == concerns


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Tests of two services, of `shared` and of nothing in particular."""
    for name, text in {
        "tests/unit/test_orders_pricing.py": "from orders.domain.pricing import priced",
        "tests/unit/test_orders_limits.py": "import orders.domain.limits",
        "tests/unit/test_docs.py": "import re",
        "tests/unit/test_catalog_domain.py": "from catalog.domain import Product",
        "tests/unit/test_of_products.py": "from catalog.domain import Product",
        "tests/component/orders/test_placing.py": "from orders.functions import api",
        "tests/component/reports/test_sales.py": "def test():\n    from orders.domain import pricing",
        "tests/component/shared/test_api.py": "from shared.api import contract",
        "tests/component/conftest.py": "from shared.clock import utc_now",
        "tests/component/test_budgets.py": "from shared.money import Money",
        "tests/unit/test_broken.py": "from orders.domain.pricing import (",
        "tests/system/test_orders.py": "from orders.domain.pricing import priced",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        (
            "services/orders/orders/domain/pricing.py",
            [
                "component/orders/test_placing.py",
                "component/reports/test_sales.py",
                "unit/test_orders_limits.py",
                "unit/test_orders_pricing.py",
            ],
        ),
        (
            "services/catalog/catalog/domain/__init__.py",
            ["unit/test_catalog_domain.py", "unit/test_of_products.py"],
        ),
        ("shared_layer/shared/money.py", ["component/shared/test_api.py", "component/test_budgets.py"]),
        ("tests/unit/test_docs.py", ["unit/test_docs.py"]),
        ("tests/component/orders/conftest.py", ["component/orders/test_placing.py"]),
        ("template.yaml", []),
        ("services/orders/README.md", []),
    ],
)
def test_a_change_concerns_the_tests_of_its_package_and_those_that_import_it(
    tree: Path, changed: str, tests: list[str]
) -> None:
    assert concerned_tests([PurePosixPath(changed)], tree) == [f"tests/{name}" for name in tests]


def test_a_saved_test_is_read_again(tree: Path) -> None:
    changed = [PurePosixPath("shared_layer/shared/money.py")]
    before = concerned_tests(changed, tree)
    (tree / "tests/unit/test_docs.py").write_text("from shared import money")
    assert set(concerned_tests(changed, tree)) - set(before) == {"tests/unit/test_docs.py"}


SOURCES = {
    "shared_layer/shared/__init__.py": "",
    "shared_layer/shared/clock.py": "import time",
    "shared_layer/shared/money.py": "from decimal import Decimal",
    "shared_layer/shared/api.py": "def answer():\n    from shared import clock",
    "services/orders/orders/__init__.py": "",
    "services/orders/orders/functions/__init__.py": "",
    "services/orders/orders/functions/api.py": "from shared.api import answer\nimport orders.domain",
    "services/orders/orders/functions/relay.py": "from orders import domain",
    "services/orders/orders/domain.py": "from shared.money import Money",
    "services/inventory/inventory/functions/commit.py": "import json",
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Two services and the package `shared`; each function imports some modules."""
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def functions() -> list[Function]:
    return [
        Function(module.rpartition(".")[2], Path(), f"{module}.handler", {}, ())
        for module in ("orders.functions.api", "orders.functions.relay", "inventory.functions.commit")
    ]


def names(some: list[Function]) -> list[str]:
    return [function.name for function in some]


@pytest.mark.parametrize(
    ("changed", "lacking"),
    [
        ("clock.py", ["api"]),  # through shared.api, and within a function
        ("money.py", ["api", "relay"]),  # through their own domain
        ("__init__.py", ["api", "relay"]),
        ("new.py", []),
    ],
)
def test_a_change_of_shared_goes_to_the_functions_that_import_it(
    sources: Path, changed: str, lacking: list[str]
) -> None:
    shared = SharedCode(sources)
    shared.have(functions(), shared.now())
    assert shared.lacking(functions(), shared.now()) == []

    (sources / "shared_layer/shared" / changed).write_text("CHANGED = True")
    assert names(shared.lacking(functions(), shared.now())) == lacking


def test_a_function_gets_an_earlier_change_once_it_imports_the_module(sources: Path) -> None:
    shared = SharedCode(sources)
    shared.have(functions(), shared.now())
    (sources / "shared_layer/shared/clock.py").write_text("CHANGED = True")
    shared.have(shared.lacking(functions(), shared.now()), shared.now())
    assert shared.lacking(functions(), shared.now()) == []

    (sources / "services/inventory/inventory/functions/commit.py").write_text(
        "from shared.clock import CHANGED"
    )
    assert names(shared.lacking(functions(), shared.now())) == ["commit"]


def test_all_functions_get_shared_if_an_earlier_run_has_synced_it(sources: Path) -> None:
    shared = SharedCode(sources)
    assert shared.lacking(functions(), shared.now()) == functions()


def test_the_verdict_is_one_line_if_all_is_well_and_else_has_the_failures(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"

    def ran(text: str) -> str:
        test.write_text(text)
        command = [sys.executable, "-m", "pytest", "--quiet", "--no-header", "--tb=short", str(test)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
        return verdict(done.stdout, done.returncode, 1)

    passed = ran("def test_one(): pass\ndef test_two(): pass")
    assert passed.startswith("tests: 2 passed in ") and passed.endswith("s (1 file)")
    failed = ran("def test_one(): assert 1 == 2\ndef test_two(): pass")
    assert "test_it.py:1: in test_one" in failed
    assert failed.splitlines()[-1].startswith("tests: FAILED: 1 failed, 1 passed in ")
    assert ran("") == "tests: none in 1 file"
    assert "SyntaxError" in ran("def") and "tests: FAILED: 1 error in" in ran("def")


def test_a_problem_is_located_in_our_own_code() -> None:
    path = REPOSITORY / "services" / "orders" / "orders" / "domain" / "pricing.py"
    with pytest.raises(SyntaxError) as broken:
        compile("x = 1\ny = (", str(path), "exec")
    assert (
        location(broken.value)
        == "services/orders/orders/domain/pricing.py:2: SyntaxError: '(' was never closed"
    )

    # As a module of ours that calls a library's, which raises.
    code = compile("import json\n\njson.loads('{')", str(path), "exec")
    with pytest.raises(ValueError, match="Expecting property name") as raised:
        exec(code, {})  # noqa: S102 - the line above
    assert location(raised.value).startswith(
        "services/orders/orders/domain/pricing.py:3: JSONDecodeError: Expecting"
    )
    assert location(ValueError("elsewhere")) == "ValueError: elsewhere"


def test_a_package_has_bytecode_that_lambda_trusts_and_the_rest_as_it_was_built(tmp_path: Path) -> None:
    built = tmp_path / "built"
    (built / "gateway").mkdir(parents=True)
    (built / "gateway" / "removed.py").write_text("")
    (built / "third_party.py").write_text("NAME = 'third party'")
    package = tmp_path / "package.zip"
    package.write_bytes(of_service("gateway", built))
    read = (
        "import sys; sys.path.insert(0, sys.argv[1]); import third_party, importlib.util as u; "
        "spec = u.find_spec('gateway.adapters'); code = spec.loader.get_code('gateway.adapters'); "
        "data = spec.loader.get_data(spec.loader.archive + '/gateway/__pycache__/adapters.cpython-313.pyc'); "
        "assert data[:4] == u.MAGIC_NUMBER and data[4:8] == bytes([1, 0, 0, 0]), data[:8]; "
        "assert data[8:16] == u.source_hash(spec.loader.get_source('gateway.adapters').encode()); "
        "assert u.find_spec('gateway.removed') is None; print(third_party.NAME)"
    )
    command = [sys.executable, "-c", read, str(package)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.stdout, done.stderr) == ("third party\n", "")


def test_no_command_works_on_a_stack_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK", "cartwright")
    with pytest.raises(StepError) as refused:
        refuse_aws("dev")
    assert "sam sync --watch --stack-name cartwright" in refused.value.advice
    monkeypatch.delenv("STACK")
    refuse_aws("dev")
