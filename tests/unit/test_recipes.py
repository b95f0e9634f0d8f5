"""The recipes for a fork: each patch applies to template.yaml as it is, adds what the runbook says, and is off."""

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.contracts.deployed import deployed, transformed
from tools.contracts.template import parsed
from tools.settings import REPOSITORY

RECIPES = REPOSITORY / "recipes"
CUSTOMER_FACING = ("Orders", "Catalog", "Users")
BEFORE: dict[str, Any] = deployed()["Resources"]


@pytest.fixture
def apply(tmp_path: Path) -> Any:
    """Applies recipes to a copy of the template; gives its resources with these values of its parameters."""
    shutil.copy(REPOSITORY / "template.yaml", tmp_path)

    def applied(*recipes: str, **parameters: str) -> dict[str, Any]:
        for recipe in recipes:
            command = ["git", "apply", str(RECIPES / f"{recipe}.patch")]
            alone = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=alone)  # noqa: S603
        resources: dict[str, Any] = transformed(parsed(tmp_path / "template.yaml"), parameters)["Resources"]
        return resources

    return applied


def kinds(resources: dict[str, Any]) -> Counter[str]:
    return Counter(resource["Type"].removeprefix("AWS::") for resource in resources.values())


def integrations(resources: dict[str, Any], method: str, path: str) -> str:
    operation = resources["Api"]["Properties"]["Body"]["paths"][path][method]
    return json.dumps(operation["x-amazon-apigateway-integration"]["uri"])


def test_api_gateway_calls_the_live_version_of_the_customers_functions(apply: Any) -> None:
    after = apply("gradual-releases")
    assert kinds(after) - kinds(BEFORE) == {"Lambda::Version": 3, "Lambda::Alias": 3}
    for service in CUSTOMER_FACING:
        assert after[f"{service}ApiFunctionAliaslive"]["Properties"]["Name"] == "live"
    assert "OrdersApiFunctionAliaslive" in integrations(after, "post", "/orders")
    allowed = [r["Properties"] for r in after.values() if r["Type"] == "AWS::Lambda::Permission"]
    assert {"Ref": "OrdersApiFunctionAliaslive"} in [permission["FunctionName"] for permission in allowed]


def test_a_release_is_gradual_if_its_parameter_says_so_and_alarms_take_it_back(apply: Any) -> None:
    after = apply("gradual-releases", Release="Linear10PercentEvery1Minute")
    assert kinds(after) - kinds(BEFORE) == {
        "Lambda::Version": 3,
        "Lambda::Alias": 3,
        "CodeDeploy::Application": 1,
        "CodeDeploy::DeploymentGroup": 3,
        "IAM::Role": 1,
    }
    for service in CUSTOMER_FACING:
        group = after[f"{service}ApiFunctionDeploymentGroup"]["Properties"]
        assert "Linear10PercentEvery1Minute" in json.dumps(group["DeploymentConfigName"])
        alarms = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
        assert alarms == ["ApiErrorsAlarm", "OrderSagaFailedAlarm"]
        assert set(alarms) <= set(BEFORE)
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        policy = after[f"{service}ApiFunctionAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{service}ApiFunctionDeploymentGroup"}


def test_a_new_layer_makes_new_versions(apply: Any, tmp_path: Path) -> None:
    versions = {name for name in apply("gradual-releases") if "ApiFunctionVersion" in name}
    template = tmp_path / "template.yaml"
    template.write_text(template.read_text().replace("package `shared`\n", "package shared\n", 1))
    assert not versions & set(apply())


def test_the_customers_functions_start_from_a_snapshot_if_a_parameter_says_so(apply: Any) -> None:
    after = apply("gradual-releases", "snap-start")
    assert kinds(after) - kinds(BEFORE) == {"Lambda::Version": 3, "Lambda::Alias": 3}
    for service in CUSTOMER_FACING:
        assert after[f"{service}ApiFunction"]["Properties"]["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
    versions = [resource for name, resource in after.items() if "ApiFunctionVersion" in name]
    assert [version["DeletionPolicy"] for version in versions] == ["Delete"] * 3, (
        "a snapshot costs while it is kept"
    )


def test_ready_environments_are_scheduled_and_follow_the_load(apply: Any) -> None:
    after = apply("gradual-releases", "provisioned-concurrency")
    added = kinds(after) - kinds(BEFORE) - Counter({"Lambda::Version": 3, "Lambda::Alias": 3})
    scaling = ("ApplicationAutoScaling::ScalableTarget", "ApplicationAutoScaling::ScalingPolicy")
    assert added == dict.fromkeys(scaling, 3)
    for name, resource in after.items():
        if "ApplicationAutoScaling" in resource["Type"]:
            assert resource["Condition"] == "KeepWarm"
            assert name.startswith(CUSTOMER_FACING)
    target = after["OrdersApiConcurrency"]["Properties"]
    assert "OrdersApiFunctionAliaslive" in json.dumps(target["ResourceId"])
    ready, end = (action["ScalableTargetAction"] for action in target["ScheduledActions"])
    assert ready == {
        "MinCapacity": {"Ref": "WarmEnvironments"},
        "MaxCapacity": {"Ref": "WarmEnvironmentsAtMost"},
    }
    assert end == {"MinCapacity": 0, "MaxCapacity": 0}


def test_exactly_the_callers_of_the_provider_enter_the_private_network(apply: Any) -> None:
    after = apply("private-provider")
    assert not kinds(after) - kinds(BEFORE)
    functions = {n: r["Properties"] for n, r in after.items() if r["Type"] == "AWS::Lambda::Function"}
    callers = {n for n, p in functions.items() if "PAYMENT_PROVIDER_URL" in p["Environment"]["Variables"]}
    inside = {name: p["VpcConfig"] for name, p in functions.items() if "VpcConfig" in p}
    assert set(inside) == callers
    for network in inside.values():
        condition, chosen, otherwise = network["Fn::If"]
        assert condition == "ReachPrivateProvider"
        assert chosen["SubnetIds"] == {"Ref": "ProviderSubnetIds"}
        assert otherwise == {"Ref": "AWS::NoValue"}


def test_all_recipes_apply_one_after_the_other_and_the_runbook_has_each(apply: Any) -> None:
    recipes = {path.stem for path in RECIPES.glob("*.patch")}
    apply("gradual-releases", *sorted(recipes - {"gradual-releases"}))
    runbook = (REPOSITORY / "docs" / "operations.md").read_text()
    assert set(re.findall(r"recipes/([\w-]+)\.patch", runbook)) == recipes
