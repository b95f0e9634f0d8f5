"""A copy of the repository is renamed, and another one loses a service: both are green, and nothing half-done stays.

`make fork-tried` does the same, and runs all unit and component tests and the demo there.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cloudformation_yaml import read_yaml
from tools.contracts.deployed import by_service
from tools.fork.product import Product
from tools.fork.recipe import Edit, matching, recipes
from tools.fork.rename import KEPT
from tools.fork.template_parts import without_service
from tools.fork.tree import git
from tools.fork.trial import commit, copy_to
from tools.new.template_text import TEMPLATE
from tools.settings import REPOSITORY

PRESENT = Product.declared_in((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
# As long as a name may be, so that lines and sentences become as long as they can. No file has the whole name.
LONGEST = " ".join(("Northern", "Tea", "Merchants"))
NEXT = " ".join(("Acme", "Tea"))
# Some tests of each copy; `make fork-tried` runs all.
RENAMED = (
    "tests/unit/test_agents.py",
    "tests/unit/test_event_contracts.py",
    "tests/unit/test_stored_records.py",
)
REMAINING = ("tests/unit/test_agents.py", "tests/unit/test_services.py")


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with another name, committed."""
    root = tmp_path_factory.mktemp("renamed") / "shop"
    copy_to(root)
    run(root, "tools", "rename", LONGEST)
    commit(root, "Rename")
    return root


@pytest.fixture(scope="module")
def left_out() -> str:
    """The service whose recipe is tried in a copy; a fork may have left all of them out."""
    if not recipes():
        pytest.skip("no recipe is left")
    return max(recipes())


@pytest.fixture(scope="module")
def without(left_out: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy without that service."""
    root = tmp_path_factory.mktemp("without") / "shop"
    copy_to(root)
    run(root, "tools", "without", left_out)
    return root


def ran(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "AWS_"))}
    return subprocess.run(  # noqa: S603 - this test's own arguments
        [sys.executable, "-m", *arguments],
        cwd=root,
        env=inherited,
        capture_output=True,
        text=True,
        check=False,
    )


def run(root: Path, *arguments: str) -> str:
    """What a module prints in that folder; shows the output if it fails."""
    done = ran(root, *arguments)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def files_with(root: Path, pattern: str, *, whatever_case: bool = True) -> list[str]:
    """The tracked files with a text in them."""
    options = ["-ilE" if whatever_case else "-lE"]
    # git fails if it finds none, so it also looks for what one file has.
    found = git("-C", str(root), "grep", *options, "-e", pattern, "-e", "^MIT License$").split()
    return sorted(found)


def test_nothing_is_left_of_the_old_name_but_the_authors_notice(renamed: Path) -> None:
    assert files_with(renamed, PRESENT.title) == [*KEPT]
    assert files_with(renamed, PRESENT.slug.replace("-", "[ _-]?")) == [*KEPT]
    tracked = f"(^|[^0-9A-Z]){PRESENT.tracking_prefix}[0-9A-HJKMNP-TV-Z]{{12}}([^0-9A-Za-z]|$)"
    assert files_with(renamed, tracked, whatever_case=False) == ["LICENSE"]
    assert not [name for name in git("-C", str(renamed), "ls-files").split() if PRESENT.remains.search(name)]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("samconfig.toml", 'stack_name = "<slug>-prod"'),
        ("samconfig.toml", "MailSender=orders@<domain>"),
        ("template.yaml", "POWERTOOLS_METRICS_NAMESPACE: !Sub <title>/${AWS::StackName}"),
        ("shared_layer/shared/errors.py", '_TYPES = "https://<domain>/problems/"'),
        ("services/live/live/domain/handshake.py", 'PROTOCOL = "<slug>.v1"'),
        ("services/shipping/shipping/domain/shipment.py", 'TRACKING_PREFIX = "<prefix>"'),
        (
            "tests/contracts/openapi.released.json",
            "https://<domain>/problems/not-found",
        ),
        ("tests/contracts/events.released.json", "urn:<slug>:event:order.placed.v2"),
        ("services/notifications/notifications/templates/wording/de.json", "Ihr <title>-Team"),
    ],
)
def test_the_new_name_is_where_the_old_one_was(renamed: Path, file: str, text: str) -> None:
    if not (renamed / file).exists():
        pytest.skip("the service is left out")
    new = Product.called(LONGEST)
    for mark, value in (
        ("<title>", new.title),
        ("<slug>", new.slug),
        ("<domain>", new.domain),
        ("<prefix>", new.tracking_prefix),
    ):
        text = text.replace(mark, value)
    assert text in (renamed / file).read_text(encoding="utf-8")


def test_the_renamed_code_is_formatted_and_free_of_complaints(renamed: Path) -> None:
    for command in (("format", "--check"), ("check", "--no-cache")):
        run(renamed, "ruff", *command, "shared_layer", "services", "tools", "tests", "benchmarks")


def test_the_renamed_tests_pass_and_what_is_made_from_code_is_up_to_date(renamed: Path) -> None:
    run(
        renamed,
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *(name for name in RENAMED if (renamed / name).exists()),
    )


def test_a_rename_that_was_made_changes_nothing_and_another_one_can_follow(renamed: Path) -> None:
    assert "Nothing was changed" in run(renamed, "tools", "rename", LONGEST)
    assert "files would change" in run(
        renamed, "tools", "rename", NEXT, "--domain", f"{Product.called(NEXT).slug}.com", "--check"
    )
    assert changes(renamed) == ""
    (renamed / "README.md").write_text("My own text.\n", encoding="utf-8")
    refused = ran(renamed, "tools", "rename", NEXT)
    assert (refused.returncode, "changes that are not committed" in refused.stderr) == (1, True)
    assert changes(renamed) == " M README.md\n"
    taken = ran(renamed, "tools", "rename", "Orders", "--check")
    assert (taken.returncode, "files already" in taken.stderr) == (1, True)


def changes(root: Path) -> str:
    return git("-C", str(root), "status", "--porcelain")


def test_nothing_is_left_of_a_service_and_the_rest_is_green(without: Path, left_out: str) -> None:
    code = ("shared_layer", "services", "tools", "tests", "benchmarks")
    for command in (("format", "--check"), ("check", "--no-cache")):
        run(without, "ruff", *command, *code)
    recipe = recipes()[left_out]
    text = (REPOSITORY / TEMPLATE).read_text(encoding="utf-8")
    _, gone = without_service(text, left_out, also=recipe.resources, paths=recipe.paths)
    parts = rf"\b({'|'.join(sorted(gone))})\b|services/{left_out}/|^ *(from|import) {left_out}\b"
    this = Path(__file__).relative_to(REPOSITORY).as_posix()
    history = {"LICENSE", "benchmarks/starts/before.json", "docs/decisions.md", this}
    # `make without` renews this page with the scanners, which take longer.
    assert set(files_with(without, parts, whatever_case=False)) <= {*history, "docs/scanners.md"}
    run(without, "pytest", "-q", "-p", "no:cacheprovider", *REMAINING)


@pytest.fixture(params=sorted(recipes()))
def service(request: pytest.FixtureRequest) -> Iterator[str]:
    return request.param


def test_each_recipe_finds_its_places(service: str) -> None:
    recipe = recipes()[service]
    assert list(matching(REPOSITORY, recipe.files))
    for edit in recipe.edits:
        for path in matching(REPOSITORY, [edit.file]):
            text = path.read_text(encoding="utf-8")
            assert edit.applied(text) != text, edit.file


def test_the_page_says_how_many_resources_a_service_leaves(service: str) -> None:
    page = (REPOSITORY / "docs" / "fork.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| (\d+) \|$", page, re.MULTILINE))
    assert int(rows[service]) == by_service()[service].total()


def test_a_template_without_a_service_names_none_of_its_parts(service: str) -> None:
    text = (REPOSITORY / TEMPLATE).read_text(encoding="utf-8")
    recipe = recipes()[service]
    left, gone = without_service(text, service, also=recipe.resources, paths=recipe.paths)
    before, after = read_yaml(text)["Resources"], read_yaml(left)["Resources"]
    assert set(before) - set(after) == {name for name in gone if name in before}
    shown = repr(after)
    assert [name for name in gone if f"'{name}" in shown or f"{{{name}" in shown] == []


def test_a_part_that_finds_no_place_is_named() -> None:
    for part in ({"lines": ["x y"]}, {"definitions": ["f"]}, {"entries": ["f"]}, {"sections": ["# A"]}):
        with pytest.raises(Exception, match=r"a\.py has no"):
            Edit(file="a.py", **part).applied("A = 1\n")
    with pytest.raises(Exception, match="2 times, not once"):
        Edit(file="a.py", replace=[("1", "2")]).applied("A = 1\nB = 1\n")
