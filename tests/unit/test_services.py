"""What stands in a list is derived from the services' folders, their `service.toml` and the template."""

import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from tools.contracts.openapi import document
from tools.contracts.openapi.document import committed, operations_of, tags
from tools.contracts.openapi.service_part import NotDescribed
from tools.contracts.template import resources
from tools.import_roots import PYPROJECT, with_all_services
from tools.services import Manifest, camel, services
from users.dependencies import ExportSettings

PROJECT = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["tool"]


def test_pyproject_names_every_service() -> None:
    text = PYPROJECT.read_text(encoding="utf-8")
    assert text == with_all_services(text), "run `make services`, which renews the lists of pyproject.toml"


@pytest.mark.parametrize("name", services())
def test_each_tool_knows_each_service(name: str) -> None:
    linter = PROJECT["importlinter"]
    known = (
        PROJECT["pytest"]["ini_options"]["pythonpath"],
        PROJECT["mypy"]["mypy_path"],
        linter["root_packages"],
        *(
            contract[key]
            for contract in linter["contracts"]
            for key in ("modules", "forbidden_modules", "containers")
            if "orders" in contract.get(key, [])
        ),
    )
    assert len(known) == 6
    assert [[entry for entry in one if entry.rpartition("/")[2] == name] != [] for one in known] == [True] * 6


def test_a_list_is_renewed_and_all_else_stays() -> None:
    before = '[a]\nx = [\n    "b",\n    # each service (`make services`): "at/{name}"\n    "gone",\n]\ny = ["gone"]\n'
    after = with_all_services(before)
    head, _, rest = after.partition(f'"at/{next(iter(services()))}"')
    assert head == before.partition('    "gone"')[0] + "    "
    assert rest.endswith(']\ny = ["gone"]\n')
    assert tomllib.loads(after)["a"]["x"] == ["b", *(f"at/{name}" for name in services())]
    assert with_all_services(after) == after


def test_a_wrong_word_in_a_service_toml_is_named() -> None:
    with pytest.raises(ValidationError, match="referense"):
        Manifest.model_validate({"referense": {"description": "Returns"}})


def test_the_apis_own_routes_come_last_in_the_reference_and_the_others_as_in_the_template() -> None:
    known = list(tags())
    assert known[-1] == "api"
    places = [list(resources()).index(f"{camel(tag)}ApiFunction") for tag in known[:-1]]
    assert places == sorted(places)


def test_a_service_with_routes_and_no_sentence_about_them_is_told_what_to_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared: dict[str, Any] = {**services(), "orders": Manifest()}
    monkeypatch.setattr(document, "services", lambda: declared)
    with pytest.raises(NotDescribed, match=r"services/orders has routes: write `\[reference\]`"):
        tags()


@pytest.mark.parametrize("name", services())
def test_a_projection_names_a_table_and_a_consumer_of_the_template(name: str) -> None:
    for projection in services()[name].projections.values():
        assert resources()[projection.source]["Type"] == "AWS::DynamoDB::Table"
        if projection.consumer is not None:
            assert projection.consumer.startswith(camel(name))
            assert f"{projection.consumer}Function" in resources()


def test_the_export_of_a_users_data_links_to_each_list_of_the_users_own_things() -> None:
    lists = {
        path
        for method, path, operation in operations_of(committed())
        if method == "get"
        and operation["x-access"] in {"signed-in", "customer"}
        and "{" not in path
        and not path.startswith("/users/")
    }
    variables = resources()["UsersApiFunction"]["Properties"]["Environment"]["Variables"]
    linked = ExportSettings(also_exported=variables["ALSO_EXPORTED"]).lists
    missing = [f"{path}: <what it lists>" for path in sorted(lists - linked.keys())]
    assert missing == [], "add these lines to ALSO_EXPORTED of UsersApiFunction in template.yaml"
    assert all(linked.values())
    assert linked.keys() <= lists
