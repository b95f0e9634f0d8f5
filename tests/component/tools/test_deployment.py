"""sam deploys to an empty embedded cloud once; the next empty ones load the snapshot, until something has changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tools.cloud import deployed, deployment, drift, parts, sync, workarounds
from tools.console import StepError
from tools.server_record import Server


class Clouds:
    """Servers by their ports, with what was done to each. They stand for sam, CloudFormation and the snapshot."""

    def __init__(self) -> None:
        self.done: list[tuple[int, str]] = []
        self.undone: list[list[str]] = []
        self.sam_fails = self.saving_fails = self.loading_fails = False
        self.drifted: list[str] = []
        self.remembered: list[object] = []

    def deploy(self, _command: Any, *, environment: Mapping[str, str], **_more: Any) -> None:
        """Stands for `sam deploy`."""
        if self.sam_fails:
            raise StepError("sam failed", "Try again.")
        self.note("sam", environment["AWS_ENDPOINT_URL"])

    def put(self, url: str, timeout: float) -> requests.Response:
        """Stands for the request that saves a snapshot."""
        self.note("save", url)
        return answer(fails=self.saving_fails)

    def post(self, url: str, timeout: float) -> requests.Response:
        """Stands for the request that loads it."""
        self.note("load", url)
        return answer(fails=self.loading_fails)

    def note(self, what: str, url: str) -> None:
        """Notes it for the server at `url`."""
        self.done.append((int(url.split("/")[2].rpartition(":")[2]), what))

    def has_stack(self, endpoint: str) -> bool:
        """Whether the server there has a stack."""
        return any((int(endpoint.rpartition(":")[2]), what) in self.done for what in ("sam", "load"))


def answer(*, fails: bool) -> requests.Response:
    given = requests.Response()
    given.status_code = 500 if fails else 204
    return given


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clouds:
    """A repository that is only a template, and servers that keep nothing."""
    clouds = Clouds()

    class Stack:
        def __init__(self, endpoint: str) -> None:
            self.endpoint = endpoint

        def client(self, service: str) -> "Stack":
            assert service == "cloudformation"
            return self

        def list_stacks(self) -> dict[str, list[str]]:
            return {"StackSummaries": ["the stack"] if clouds.has_stack(self.endpoint) else []}

        def is_complete(self) -> bool:
            return clouds.has_stack(self.endpoint)

    (tmp_path / "snapshot").mkdir()
    (tmp_path / "template.yaml").write_text("a template")
    monkeypatch.setattr(deployment, "REPOSITORY", tmp_path)
    monkeypatch.setattr(parts, "REPOSITORY", tmp_path)
    monkeypatch.setattr(deployment, "LOCAL", tmp_path)
    monkeypatch.setattr(deployed, "_RECORD", tmp_path / "deployed.json")
    monkeypatch.setattr(deployment, "_SAVED", tmp_path / "snapshot" / "saved.json")
    monkeypatch.setattr(deployment, "Stack", Stack)
    monkeypatch.setattr(deployment, "run", clouds.deploy)
    monkeypatch.setattr(deployment, "requests", clouds)
    monkeypatch.setattr(sync, "undo", lambda _, synced: clouds.undone.append(list(synced)))
    monkeypatch.setattr(drift, "remember", clouds.remembered.append)
    monkeypatch.setattr(drift, "repair", lambda _: clouds.drifted)
    monkeypatch.setattr(workarounds, "apply", lambda stack: clouds.note("adapt", stack.endpoint))
    return clouds


def cloud(number: int) -> Server:
    return Server(pid=number, began="now", port=number)


FROM_SAM = ["sam", "adapt", "save"]


def test_only_the_first_empty_cloud_needs_sam(clouds: Clouds) -> None:
    for number in (1, 2, 3):
        deployment.deploy(cloud(number))
    assert clouds.done == [*((1, what) for what in FROM_SAM), (2, "load"), (3, "load")]


@pytest.mark.parametrize("changed", ["template.yaml", "tools/cloud/shortcuts.py", "requirements/cloud.txt"])
def test_a_changed_source_makes_the_snapshot_useless(clouds: Clouds, tmp_path: Path, changed: str) -> None:
    deployment.deploy(cloud(1))
    (tmp_path / changed).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / changed).write_text("changed")
    deployment.deploy(cloud(2))
    assert clouds.done[3:] == [(2, what) for what in FROM_SAM]


def test_a_cloud_in_use_is_updated_and_not_saved(clouds: Clouds, tmp_path: Path) -> None:
    deployment.deploy(cloud(1))
    deployment.deploy(cloud(1))
    (tmp_path / "template.yaml").write_text("another template")
    deployment.deploy(cloud(1))
    assert clouds.done[3:] == [(1, "sam"), (1, "adapt")]

    # The snapshot is from the other template.
    deployment.deploy(cloud(2))
    assert clouds.done[5:] == [(2, what) for what in FROM_SAM]


def test_a_cloud_that_loaded_the_snapshot_needs_nothing_more(clouds: Clouds) -> None:
    for number in (1, 2, 2):
        deployment.deploy(cloud(number))
    assert clouds.done[3:] == [(2, "load")]


def test_a_deployment_that_failed_leaves_no_snapshot(clouds: Clouds) -> None:
    clouds.sam_fails = True
    with pytest.raises(StepError):
        deployment.deploy(cloud(1))
    clouds.sam_fails = False
    deployment.deploy(cloud(2))
    assert clouds.done == [(2, what) for what in FROM_SAM]


def test_without_a_saved_snapshot_the_next_cloud_deploys_itself(clouds: Clouds) -> None:
    clouds.saving_fails = True
    deployment.deploy(cloud(1))
    clouds.saving_fails = False
    deployment.deploy(cloud(2))
    assert clouds.done[3:] == [(2, what) for what in FROM_SAM]


def test_a_snapshot_that_does_not_load_is_reported(clouds: Clouds) -> None:
    deployment.deploy(cloud(1))
    clouds.loading_fails = True
    with pytest.raises(StepError, match="cannot load the snapshot"):
        deployment.deploy(cloud(2))


def test_a_cloud_that_was_synced_is_deployed_by_sam_and_what_was_synced_is_taken_back(
    clouds: Clouds, tmp_path: Path
) -> None:
    deployment.deploy(cloud(1))
    code = tmp_path / "services" / "orders" / "orders" / "domain.py"
    code.parent.mkdir(parents=True)
    code.write_text("changed")
    record = deployed.of(cloud(1))
    assert record.differs() == {"orders"}
    record.begin({"orders"}).end({"orders": parts.digests()["orders"]})
    # The cloud has the tree's code now, and CloudFormation does not know.
    assert not deployed.of(cloud(1)).differs()

    clouds.sam_fails = True
    with pytest.raises(StepError):
        deployment.deploy(cloud(1))
    clouds.sam_fails = False
    deployment.deploy(cloud(1))
    assert clouds.done[3:] == [(1, "sam"), (1, "adapt")]
    assert clouds.undone == [["orders"]]
    deployment.deploy(cloud(1))
    assert clouds.done[5:] == []


def test_a_sync_that_was_interrupted_counts_as_one(clouds: Clouds, tmp_path: Path) -> None:
    code = tmp_path / "services" / "orders" / "orders" / "domain.py"
    code.parent.mkdir(parents=True)
    code.write_text("a rule")
    deployment.deploy(cloud(1))
    deployed.of(cloud(1)).begin({"orders"})
    assert deployed.of(cloud(1)).differs() == {"orders"}
    deployment.deploy(cloud(1))
    assert clouds.undone == [["orders"]]


def test_a_deployment_that_failed_halfway_is_repeated_also_for_the_tree_before(
    clouds: Clouds, tmp_path: Path
) -> None:
    deployment.deploy(cloud(1))
    (tmp_path / "template.yaml").write_text("another template")
    clouds.sam_fails = True
    with pytest.raises(StepError):
        deployment.deploy(cloud(1))
    clouds.sam_fails = False
    (tmp_path / "template.yaml").write_text("a template")
    deployment.deploy(cloud(1))
    assert clouds.done[3:] == [(1, "sam"), (1, "adapt")]


def test_a_new_server_has_nothing_of_the_one_before(clouds: Clouds) -> None:
    deployment.deploy(cloud(1))
    deployed.of(cloud(1)).begin({"orders"})
    assert deployed.of(cloud(2)) == deployed.Deployed("2/now")


def test_a_cloud_without_a_change_of_the_tree_is_repaired(
    clouds: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.deploy(cloud(1))
    deployment.deploy(cloud(1))
    assert "nothing has changed" in capsys.readouterr().out
    assert len(clouds.remembered) == 1

    clouds.drifted = ["OrdersApi: Environment", "ShippingDispatch: Timeout"]
    deployment.deploy(cloud(1))
    assert "repaired OrdersApi: Environment; ShippingDispatch: Timeout" in capsys.readouterr().out
