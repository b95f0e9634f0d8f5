"""No secret of the template is without a way to rotate it."""

from typing import Any, cast

from tools.contracts.deployed import deployed
from tools.ops.rotate import SECRETS
from tools.stack import Stack

RESOURCES: dict[str, dict[str, Any]] = deployed()["Resources"]


class Deployed:
    """The stack as the template has it; the id of a resource is its name."""

    def __init__(self, **parameters: str) -> None:
        self.parameters = parameters

    def resource(self, logical_id: str) -> str:
        """See Stack."""
        return logical_id


def rotated(**parameters: str) -> set[str]:
    """The ids of the secrets that `make rotate` knows."""
    return {secret.id_in(cast("Stack", Deployed(**parameters))) for secret in SECRETS.values()}


def test_each_secret_of_the_template_can_be_rotated() -> None:
    assert rotated() == {
        name for name, each in RESOURCES.items() if each["Type"] == "AWS::SecretsManager::Secret"
    }


def test_with_a_provider_of_its_own_its_key_is_rotated() -> None:
    own = {"PaymentProviderUrl": "https://provider.example", "PaymentProviderSecretArn": "own-key"}
    assert rotated(**own) == {"own-key", "PaymentWebhookSecret"}


def test_no_parameter_and_no_app_client_holds_a_secret() -> None:
    assert not [name for name, each in deployed()["Parameters"].items() if each.get("NoEcho")]
    clients = [
        each["Properties"] for each in RESOURCES.values() if each["Type"] == "AWS::Cognito::UserPoolClient"
    ]
    assert clients and not any(client["GenerateSecret"] for client in clients)
