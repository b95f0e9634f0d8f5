"""`make up` finds the functions that a person changed by hand, and gives them their deployed settings again."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.cloud import drift
from tools.stack import Stack

DEPLOYED = {"TABLE_NAME": "orders", "LOG": "INFO"}


class Functions:
    """The functions of a stack, and one that is not of it."""

    def __init__(self) -> None:
        self.client = boto3.client("lambda", region_name="us-east-1")
        trusted = '{"Version": "2012-10-17", "Statement": []}'
        iam = boto3.client("iam", region_name="us-east-1")
        role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        for name in ("stack-OrdersApi", "stack-ShippingDispatch", "another"):
            self.client.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler="api.handler",
                Code={"ZipFile": b""},
                Timeout=10,
                Environment={"Variables": DEPLOYED},
            )

    def change(self, name: str, **settings: Any) -> None:
        self.client.update_function_configuration(FunctionName=name, **settings)

    def settings(self, name: str) -> tuple[dict[str, str], int]:
        found = self.client.get_function_configuration(FunctionName=name)
        return found["Environment"]["Variables"], found["Timeout"]


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(drift, "_RECORD", tmp_path / "settings.json")
    with mock_aws():
        yield Functions()


@pytest.fixture
def stack(functions: Functions) -> Stack:
    deployed = Stack("", region="us-east-1", is_embedded=False)
    deployed.__dict__["resources"] = {
        "OrdersApiFunction": "stack-OrdersApi",
        "ShippingDispatchFunction": "stack-ShippingDispatch",
        "OrdersTable": "orders",
    }
    drift.remember(deployed)
    return deployed


def test_a_changed_variable_and_a_changed_timeout_are_put_back(functions: Functions, stack: Stack) -> None:
    functions.change("stack-OrdersApi", Environment={"Variables": {**DEPLOYED, "TABLE_NAME": "typo"}})
    functions.change("stack-ShippingDispatch", Environment={"Variables": {}}, Timeout=1)

    assert sorted(drift.repair(stack)) == ["OrdersApi: Environment", "ShippingDispatch: Environment, Timeout"]
    for name in ("stack-OrdersApi", "stack-ShippingDispatch"):
        assert functions.settings(name) == (DEPLOYED, 10)
    assert drift.repair(stack) == []


def test_a_function_of_nobody_is_left_alone(functions: Functions, stack: Stack) -> None:
    functions.change("another", Timeout=1)
    assert drift.repair(stack) == []
    assert functions.settings("another") == (DEPLOYED, 1)
