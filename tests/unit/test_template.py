"""template.yaml as CloudFormation deploys it: what holds on every account, for every stack."""

import json
import re
from typing import Any

import pytest

from tools.contracts.deployed import BUDGET, by_service, deployed
from tools.settings import REPOSITORY

RESOURCES: dict[str, dict[str, Any]] = deployed()["Resources"]
SERVICES = list((REPOSITORY / "services").iterdir())
# Names that only one thing of the stack can see: an API, a user pool, a namespace of metrics.
_SEEN_INSIDE_ALONE = {
    ("AWS::ApiGateway::Stage", "StageName"),
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::ApiGatewayV2::Authorizer", "Name"),
    ("AWS::Cognito::UserPoolGroup", "GroupName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
}


def of_type(*kinds: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, resource) for name, resource in RESOURCES.items() if resource["Type"] in kinds]


def belongs_to_the_stack(value: Any) -> bool:
    """Whether no other stack can have the same value: it has the stack's name, or is a resource's own."""
    text = json.dumps(value)
    referred = re.findall(r'"Ref": "([\w:]+)"|\$\{([\w:]+)|"Fn::GetAtt": \["(\w+)"', text)
    return bool({name for found in referred for name in found} & {"AWS::StackName", *RESOURCES})


# ---- Several stacks in one account and region ------------------------------------------------------------------------


def test_no_two_stacks_give_a_thing_the_same_name() -> None:
    shared = {
        f"{name}.{key}: {value}"
        for name, resource in RESOURCES.items()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name")
        and (resource["Type"], key) not in _SEEN_INSIDE_ALONE
        and not belongs_to_the_stack(value)
    }
    assert not shared


def test_no_two_stacks_export_under_the_same_name() -> None:
    assert not [name for name, output in deployed()["Outputs"].items() if "Export" in output]


def test_a_stack_counts_its_own_orders_alone() -> None:
    namespaces = {
        json.dumps(function["Properties"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"])
        for _, function in of_type("AWS::Lambda::Function")
    }
    [namespace] = namespaces
    assert belongs_to_the_stack(json.loads(namespace))
    for name, alarm in of_type("AWS::CloudWatch::Alarm"):
        properties = alarm["Properties"]
        if not str(properties["Namespace"]).startswith("AWS/"):
            assert json.dumps(properties["Namespace"]) == namespace, name
        else:
            assert all(belongs_to_the_stack(entry["Value"]) for entry in properties["Dimensions"]), name


# ---- One stage of each API -------------------------------------------------------------------------------------------


def stages(api: str) -> list[dict[str, Any]]:
    """What serves an API: its stages, and the ones that a deployment makes by the way."""
    own = of_type("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage")
    by_the_way = [(n, r) for n, r in of_type("AWS::ApiGateway::Deployment") if "StageName" in r["Properties"]]
    found = [resource["Properties"] for _, resource in own + by_the_way]
    return [stage for stage in found if {"Ref": api} in (stage.get("RestApiId"), stage.get("ApiId"))]


def throttles(stage: dict[str, Any]) -> list[dict[str, Any]]:
    """What limits every route of a stage."""
    every = [
        s for s in stage.get("MethodSettings", []) if (s["ResourcePath"], s["HttpMethod"]) == ("/*", "*")
    ]
    return [stage["DefaultRouteSettings"]] if "DefaultRouteSettings" in stage else every


@pytest.mark.parametrize(
    "api", [name for name, _ in of_type("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")]
)
def test_an_api_has_one_stage_which_throttles_and_logs_every_route(api: str) -> None:
    [stage] = stages(api)
    [throttle] = throttles(stage)
    assert throttle["ThrottlingRateLimit"] == 100
    assert throttle["ThrottlingBurstLimit"] == 200
    [log] = [stage[key] for key in ("AccessLogSetting", "AccessLogSettings") if key in stage]
    assert log["DestinationArn"]["Fn::GetAtt"][0] in RESOURCES
    # API Gateway traces no WebSocket API.
    assert stage.get("TracingEnabled") or RESOURCES[api]["Properties"].get("ProtocolType") == "WEBSOCKET"


# ---- Logs ------------------------------------------------------------------------------------------------------------


def test_every_log_expires() -> None:
    for name, group in of_type("AWS::Logs::LogGroup"):
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


@pytest.mark.parametrize("name", [name for name, _ in of_type("AWS::Lambda::Function")])
def test_a_function_logs_to_the_group_of_its_service(name: str) -> None:
    function = RESOURCES[name]["Properties"]
    service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    group = "".join(word.capitalize() for word in service.split("_")) + "LogGroup"
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": group}}
    assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup"


def test_a_state_machine_logs_to_a_group_of_the_stack() -> None:
    for name, machine in of_type("AWS::StepFunctions::StateMachine"):
        [destination] = machine["Properties"]["LoggingConfiguration"]["Destinations"]
        group, _ = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"]
        assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup", name


# ---- Room ------------------------------------------------------------------------------------------------------------


def test_the_stack_keeps_to_its_budget_of_resources() -> None:
    counted = {service: kinds.total() for service, kinds in by_service().items()}
    assert sum(counted.values()) == len(RESOURCES) <= BUDGET, counted


def test_every_service_is_counted() -> None:
    assert set(by_service()) == {path.name for path in SERVICES} | {"shared"}
