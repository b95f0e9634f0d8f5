"""An operator replaces a secret in two steps, and in one step in an emergency."""

import json
from typing import Any

import boto3
import pytest

from .conftest import STACK, Command, FakeCloudFormation

KEY, WEBHOOK = "payment-provider", "payment-webhook"
PROVIDER = {
    "Stage": "dev",
    "PaymentProviderUrl": "https://provider.example",
    "PaymentProviderSecretArn": "own-key",
}


@pytest.fixture(autouse=True)
def manager(on_aws: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Secrets Manager with the secrets of the stack, and with the key of a provider of its own."""
    monkeypatch.delenv("NEW", raising=False)
    monkeypatch.setenv("STACK", STACK)
    made: Any = boto3.client("secretsmanager")
    for logical_id, text in (
        ("PaymentProviderSecret", "old"),
        ("PaymentWebhookSecret", '{"current": "old"}'),
    ):
        on_aws.resources[logical_id] = made.create_secret(Name=f"{STACK}-{logical_id}", SecretString=text)[
            "ARN"
        ]
    made.create_secret(Name="own-key", SecretString="old")
    return made


def text(manager: Any, on_aws: FakeCloudFormation, logical_id: str) -> str:
    return str(manager.get_secret_value(SecretId=on_aws.resources[logical_id])["SecretString"])


def webhook(manager: Any, on_aws: FakeCloudFormation) -> dict[str, str]:
    found: dict[str, str] = json.loads(text(manager, on_aws, "PaymentWebhookSecret"))
    return found


def labels(manager: Any, secret_id: str) -> set[str]:
    versions = manager.describe_secret(SecretId=secret_id)["VersionIdsToStages"]
    return {label for of_one in versions.values() for label in of_one}


def test_between_the_steps_either_secret_signs_webhooks(
    manager: Any, on_aws: FakeCloudFormation, command: Command
) -> None:
    started = command("rotate", WEBHOOK)
    both = webhook(manager, on_aws)
    assert both == {"current": both["current"], "previous": "old"}
    assert len(both["current"]) >= 40
    assert f"make rotate SECRET={WEBHOOK} STEP=finish" in started.output

    finished = command("rotate", WEBHOOK, "--step", "finish")
    assert webhook(manager, on_aws) == {"current": both["current"]}
    assert both["current"] not in started.output + finished.output

    assert "nothing has changed" in command("rotate", WEBHOOK, "--step", "finish").output
    assert webhook(manager, on_aws) == {"current": both["current"]}


def test_the_sandboxs_key_is_made_up(manager: Any, on_aws: FakeCloudFormation, command: Command) -> None:
    assert command("rotate", KEY).code == 0
    new = text(manager, on_aws, "PaymentProviderSecret")
    assert len(new) >= 40
    secret_id = on_aws.resources["PaymentProviderSecret"]
    assert "AWSPREVIOUS" in labels(manager, secret_id)

    command("rotate", KEY, "--step", "finish")
    assert text(manager, on_aws, "PaymentProviderSecret") == new
    assert "AWSPREVIOUS" not in labels(manager, secret_id)


@pytest.mark.parametrize("name", [KEY, WEBHOOK])
def test_a_second_rotation_waits_for_the_end_of_the_first(
    manager: Any, on_aws: FakeCloudFormation, command: Command, name: str
) -> None:
    command("rotate", name)
    before = webhook(manager, on_aws), text(manager, on_aws, "PaymentProviderSecret")

    refused = command("rotate", name)

    assert (refused.code, f"A rotation of {name} is under way." in refused.errors) == (1, True)
    assert (webhook(manager, on_aws), text(manager, on_aws, "PaymentProviderSecret")) == before


def test_a_provider_of_its_own_tells_the_values_and_each_counts_once(
    manager: Any, on_aws: FakeCloudFormation, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_aws.parameters = PROVIDER
    refused = command("rotate", KEY)
    assert refused.code == 1
    assert "The new value of payment-provider comes from https://provider.example." in refused.errors
    assert "read -rs NEW" in refused.errors

    monkeypatch.setenv("NEW", "new")
    for _ in range(2):
        assert command("rotate", KEY).code == 0
        assert command("rotate", WEBHOOK).code == 0
    assert manager.get_secret_value(SecretId="own-key")["SecretString"] == "new"
    assert manager.get_secret_value(SecretId="own-key", VersionStage="AWSPREVIOUS")["SecretString"] == "old"
    assert webhook(manager, on_aws) == {"current": "new", "previous": "old"}
    assert text(manager, on_aws, "PaymentProviderSecret") == "old"


@pytest.mark.parametrize("begun", [False, True])
def test_in_an_emergency_the_old_value_goes_at_once(
    manager: Any, on_aws: FakeCloudFormation, command: Command, *, begun: bool
) -> None:
    if begun:
        command("rotate", WEBHOOK)
        command("rotate", KEY)
    before = webhook(manager, on_aws), text(manager, on_aws, "PaymentProviderSecret")

    for name in (WEBHOOK, KEY):
        assert "End the old one at the provider now." in command("rotate", name, "--step", "revoke").output

    secrets = webhook(manager, on_aws)
    assert list(secrets) == ["current"]
    assert secrets["current"] not in before[0].values()
    assert text(manager, on_aws, "PaymentProviderSecret") != before[1]
    for logical_id in ("PaymentWebhookSecret", "PaymentProviderSecret"):
        assert "AWSPREVIOUS" not in labels(manager, on_aws.resources[logical_id])


def test_without_a_name_the_secrets_are_listed_without_their_values(command: Command) -> None:
    command("rotate", WEBHOOK)
    shown = command("rotate").output
    key, webhooks = shown.split("SECRET=")[1:]
    assert key.startswith(KEY) and "one value" in key
    assert webhooks.startswith(WEBHOOK) and "the value before it is there, too" in webhooks
    assert "old" not in shown


def test_another_name_is_refused_with_the_list(command: Command) -> None:
    refused = command("rotate", "cursor-key")
    assert refused.code == 1
    assert "There is no secret cursor-key." in refused.errors
    assert f"{KEY}, {WEBHOOK}" in refused.errors
