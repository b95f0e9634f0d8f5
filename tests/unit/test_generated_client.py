"""The OpenAPI document gives a whole client, with a name for each model."""

from typing import get_args, get_type_hints

import pytest

from tests.generated_client import GeneratedClient
from tools.contracts.openapi.document import committed, operations_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> GeneratedClient:
    """The client, generated without a warning."""
    return GeneratedClient(tmp_path_factory.mktemp("client"), "described_client")


def test_a_client_has_every_operation(client: GeneratedClient) -> None:
    for _, _, operation in operations_of(committed()):
        assert client.operation(operation["tags"][0], operation["operationId"]).sync_detailed


def test_no_model_of_a_client_is_numbered_for_lack_of_a_name(client: GeneratedClient) -> None:
    numbered = [path.stem for path in (client.folder / "models").glob("*_type_*.py")]
    assert numbered == []


@pytest.mark.parametrize(
    ("tag", "operation_id", "bodies"),
    [
        ("inventory", "record_movement", {"Adjustment", "Receipt"}),
        ("jobs", "request_job", {"OrderExport", "ProductImport", "WeeklyReport"}),
    ],
)
def test_a_body_of_several_kinds_is_one_of_several_classes(
    client: GeneratedClient, tag: str, operation_id: str, bodies: set[str]
) -> None:
    hints = get_type_hints(client.operation(tag, operation_id).sync_detailed)
    assert {kind.__name__ for kind in get_args(hints["body"])} == bodies
