"""A service with every part, made in a copy of the repository: it is green there at once, and nothing is half written.

docs/new-service.md says how to see one deployed. That takes longer, so it is no test.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

from tools.console import StepError
from tools.contracts.deployed import BUDGET
from tools.new import changes as changes_module
from tools.new import command
from tools.new.changes import Changes
from tools.new.parts import Consumer, NewEvent, Route
from tools.new.plan import Plan
from tools.new.service import changes_for
from tools.new.template_text import TEMPLATE
from tools.settings import REPOSITORY

COPIED = (
    ".devcontainer",
    ".vscode",
    "docs",
    "events",
    "services",
    "shared_layer",
    "statemachines",
    "tests",
    "tools",
    "benchmarks",
    "requirements",
)
FULL = Plan(
    "wishlists",
    routes=True,
    consumes=("order.fulfilled",),
    projects=("order.placed", "order.confirmed"),
    schedule="rate(1 hour)",
    steps=True,
)
MAKE_ALL = f"""
from tools.new.changes import Changes
from tools.new.parts import Consumer, NewEvent, Route
from tools.new.plan import Plan
from tools.new.service import changes_for

def make(changes):
    changes.make("tools.settings")

# The service comes last: this process does not find it.
make(Consumer("inventory", "note_refunds", ("payment.refunded", "order.placed")).changes())
make(NewEvent("shipping", "shipment.lost", "The carrier has lost the parcel").changes())
make(Route("catalog", "/products/{{sku}}/stars", "read_stars", "ANYONE").changes())
make(Route("orders", "/orders/{{order_id}}/receipt", "read_receipt", "CUSTOMER").changes())
changes_for({FULL!r}).make("tools.new.renew", "0", "500")
"""
GREEN = (
    "tests/unit/test_wishlists_domain.py",
    "tests/component/wishlists",
    "tests/component/inventory/test_note_refunds_consumer.py",
    "tests/component/catalog/test_read_stars.py",
    "tests/component/orders/test_read_receipt.py",
    "tests/component/orders/test_order_saga.py",
    "tests/component/orders/test_cancellation.py",
    "tests/faults/test_machine.py",
    "tests/unit/test_account_limits.py",
    "tests/unit/test_permissions.py",
    "tests/unit/test_layout.py",
    "tests/unit/test_services.py",
    "tests/unit/test_data_map.py",
    "tests/unit/test_event_contracts.py",
    "tests/unit/test_archive_domain.py",
    "tests/unit/test_shared_events.py",
    "tests/unit/test_audited_routes.py",
    "tests/unit/test_openapi.py",
    "tests/unit/test_agents.py",
    "tests/unit/test_editors.py",
    "tests/unit/test_retention.py",
    "tests/unit/test_template.py",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the repository, with the service and a new one of each other part."""
    root = tmp_path_factory.mktemp("copy") / "shop"
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in REPOSITORY.glob("*"):
        if path.is_file():
            shutil.copy(path, root / path.name)
    for environment in (".venv", ".venv-sam"):
        (root / environment).symlink_to((REPOSITORY / environment).resolve())
    run(root, "-c", MAKE_ALL)
    yield root
    shutil.rmtree(root)


def run(root: Path, *arguments: str) -> str:
    """What Python prints in that folder; shows the output if it fails."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "AWS_"))}
    done = subprocess.run(  # noqa: S603 - this test's own arguments
        [sys.executable, *arguments], cwd=root, env=inherited, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_its_code_is_formatted_and_free_of_complaints(copy: Path) -> None:
    for check in (("format", "--check"), ("check",)):
        run(copy, "-m", "ruff", *check, "services", "tests/component", "tests/unit")


def test_its_own_tests_and_the_checks_of_all_services_pass(copy: Path) -> None:
    # The copy has more than the service; the budget is the next test's.
    left_out = "tests/unit/test_template.py::test_the_stack_keeps_to_its_budget_of_resources"
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--deselect", left_out, *GREEN)


def test_the_docs_that_it_writes_are_plain_english(copy: Path) -> None:
    written = (
        "services/wishlists",
        "template.yaml",
        "docs/architecture.md",
        "docs/encryption.md",
        "docs/operations.md",
    )
    run(copy, "-m", "tools.contracts.docs", *written)


def test_it_takes_as_many_resources_as_the_docs_say(copy: Path) -> None:
    count = "from tools.contracts.deployed import by_service; print(by_service()['wishlists'].total())"
    own = int(run(copy, "-c", count))
    page = (REPOSITORY / "docs" / "new-service.md").read_text(encoding="utf-8")
    assert f"With every option a service takes {own}." in page


def test_every_other_line_of_the_template_stays(copy: Path) -> None:
    before = (REPOSITORY / TEMPLATE).read_text(encoding="utf-8").splitlines()
    after = (copy / TEMPLATE).read_text(encoding="utf-8").splitlines()
    removed = [line[1:] for line in unified_diff(before, after, n=0, lineterm="") if line[0] == "-"]
    # The first is the diff's own; the other is the only list of services in one line.
    assert removed[1:] == [line for line in before if line.startswith("    - [Users, ")]


def test_the_state_machines_are_written_as_the_command_writes_them() -> None:
    """Otherwise a new step would change lines that it does not concern."""
    for name in ("order_saga", "order_cancellation"):
        text = (REPOSITORY / "statemachines" / f"{name}.asl.json").read_text(encoding="utf-8")
        assert json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n" == text


def test_a_step_comes_before_the_parcel_and_is_undone_after_it(copy: Path) -> None:
    saga, cancellation = (
        json.loads((copy / "statemachines" / f"{name}.asl.json").read_text())["States"]
        for name in ("order_saga", "order_cancellation")
    )
    assert [saga[name]["Next"] for name in ("AuthorizePayment", "OpenWishlist")] == [
        "OpenWishlist",
        "CreateShipment",
    ]
    assert [cancellation[name]["Next"] for name in ("CancelShipment", "CloseWishlist")] == [
        "CloseWishlist",
        "VoidPayment",
    ]
    assert {"Variable": "$.close_wishlist_error", "IsPresent": True} in cancellation["IsAllUndone"][
        "Choices"
    ][0]["Or"]


@pytest.mark.parametrize(
    ("plan", "advice"),
    [
        (Plan("Wishlists", routes=True), "in the plural"),
        (Plan("wishlist", routes=True), "in the plural"),
        (Plan("returns", routes=True), "THING=return_request"),
        (Plan("types", table=True), "another name"),
        (Plan("orders", "pledge", routes=True), "services/orders/Makefile exists"),
        (Plan("wishlists"), "ROUTES=yes"),
        (Plan("wishlists", schedule="hourly"), "rate(1 hour)"),
        (Plan("wishlists", consumes=("order.eaten",)), "order.placed"),
        (Plan("wishlists", table=True, consumes=("user.deleted",)), "by itself"),
        (Plan("wishlists", consumes=("order.placed",), projects=("order.placed",)), "once"),
        (Plan("wishlists", projects=("order.placed", "stock.low")), "one"),
        (Plan("wishlists", projects=("user.changed",)), "CONSUMES"),
    ],
)
def test_what_cannot_be_made_is_refused_with_advice(plan: Plan, advice: str) -> None:
    with pytest.raises(StepError) as refused:
        changes_for(plan)
    assert advice in refused.value.explain()


def test_what_takes_no_resource_is_made_in_a_stack_that_is_beyond_the_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    present = str(BUDGET + 21)
    made: list[tuple[str, ...]] = []

    def make(_: Changes, *arguments: str) -> str:
        made.append(arguments)
        return present

    monkeypatch.setattr(command, "deployed", lambda: {"Resources": dict.fromkeys(range(BUDGET + 21))})
    monkeypatch.setattr(Changes, "make", make)
    command._make(Changes())
    assert made == [("tools.new.renew", present, present)]


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (Route("returns", "/returns/waiting", "read_waiting_again", "CUSTOMER"), "already"),
        (Route("shipping", "/parcels", "list_parcels", "CUSTOMER"), "has no API"),
        (Route("orders", "orders", "list_all", "CUSTOMER"), "no path"),
        (NewEvent("shipping", "shipment.created", "It exists."), "published already"),
        (NewEvent("shipping", "lost", "It is lost."), "no type"),
        (NewEvent("parcels", "parcel.lost", "It is lost."), "no service parcels"),
        (Consumer("shipping", "erase", ("user.deleted",)), "exists already"),
        (Consumer("shipping", "follow", ("order.eaten",)), "No service publishes"),
    ],
)
def test_a_part_that_cannot_be_made_is_refused(part: Route | NewEvent | Consumer, reason: str) -> None:
    with pytest.raises(StepError, match=reason):
        part.changes()


def test_nothing_is_half_written_if_the_last_step_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".venv").symlink_to((REPOSITORY / ".venv").resolve())
    (tmp_path / "template.yaml").write_text("before")
    monkeypatch.setattr(changes_module, "REPOSITORY", tmp_path)
    changes = Changes()
    changes.add("services/wishlists/wishlists/api.py", "import os\n")
    changes.replace("template.yaml", "after")

    with pytest.raises(StepError, match="nothing was changed"):
        changes.make("no_such_module")

    assert {path.name for path in tmp_path.iterdir()} == {".venv", "template.yaml"}
    assert (tmp_path / "template.yaml").read_text() == "before"
