"""The template deploys into a new AWS account and works there, with ten invocations at a time; Lambda refuses others.

Lambda: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
Queues: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
State machines: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.template import parameters
from tools.contracts.template import resources, template
from tools.settings import REPOSITORY

FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in resources().items()
    if resource["Type"] == "AWS::Serverless::Function"
}
SOURCES = [
    (name, event["Properties"])
    for name, function in FUNCTIONS.items()
    for event in function.get("Events", {}).values()
    if event["Type"] == "SQS"
]
MACHINES = sorted((REPOSITORY / "statemachines").glob("*.asl.json"))
# How Lambda refuses an invocation, or fails before the function runs.
REFUSALS = {
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
}
# For so long an invocation is tried again. With full jitter it is half of it on the average.
PATIENCE_SECONDS = 120


def queue_of(source: dict[str, Any]) -> dict[str, Any]:
    """The properties of the queue that a function reads."""
    properties: dict[str, Any] = resources()[source["Queue"]["Fn::GetAtt"][0]]["Properties"]
    return properties


def timeout_of(function: str) -> int:
    """The seconds that a function may run."""
    return int(FUNCTIONS[function].get("Timeout", template()["Globals"]["Function"]["Timeout"]))


def tasks_of(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a machine that invokes a function, those of its branches and maps as well."""
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            yield name, state
        for branch in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from tasks_of(branch)


TASKS = [
    pytest.param(task, id=f"{path.name.removesuffix('.asl.json')}-{name}")
    for path in MACHINES
    for name, task in tasks_of(json.loads(path.read_text()))
]


def seconds_of(retrier: dict[str, Any]) -> float:
    """The sum of a retrier's waits, before jitter."""
    return sum(
        min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** number, retrier["MaxDelaySeconds"])
        for number in range(retrier["MaxAttempts"])
    )


def retrier_for(error: str, task: dict[str, Any]) -> dict[str, Any]:
    """The first retrier that takes the error: it alone decides."""
    return next(entry for entry in task["Retry"] if {error, "States.ALL"} & set(entry["ErrorEquals"]))


@pytest.mark.parametrize("environment", ["default", "local", "staging", "prod"])
def test_no_environment_reserves_concurrency_because_a_new_account_has_none_to_reserve(
    environment: str,
) -> None:
    assert parameters(environment)["JobsWorkers"] == "0"

    reserved = [function.get("ReservedConcurrentExecutions") for function in FUNCTIONS.values()]
    none = {"Fn::If": ["ReserveWorkers", {"Ref": "JobsWorkers"}, {"Ref": "AWS::NoValue"}]}
    assert [value for value in reserved if value not in (None, none)] == []


def test_every_environment_is_checked() -> None:
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())
    assert config.keys() - {"version"} == {"default", "local", "staging", "prod"}


@pytest.mark.parametrize(("function", "source"), SOURCES, ids=lambda value: str(value)[:40])
def test_refused_invocations_make_no_dead_letter(function: str, source: dict[str, Any]) -> None:
    """A refused invocation counts as a receive of its messages: AWS advises five receives at least."""
    queue = queue_of(source)
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    # A message that waits in a batching window is invisible already.
    window = source.get("MaximumBatchingWindowInSeconds", 0)
    assert queue["VisibilityTimeout"] >= 6 * timeout_of(function) + window


def test_no_work_in_the_background_takes_more_than_half_of_a_new_accounts_ten_invocations() -> None:
    limits = [
        source["ScalingConfig"]["MaximumConcurrency"] for _, source in SOURCES if "ScalingConfig" in source
    ]
    limits += [
        int(number)
        for path in MACHINES
        for number in re.findall(r'"MaxConcurrency": (\d+)', path.read_text())
    ]
    assert len(limits) >= 4
    assert all(2 <= limit <= 5 for limit in limits), limits  # SQS takes 2 at least


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("refusal", sorted(REFUSALS))
def test_a_refused_step_is_tried_again_for_minutes(refusal: str, task: dict[str, Any]) -> None:
    retrier = retrier_for(refusal, task)
    assert seconds_of(retrier) >= PATIENCE_SECONDS
    assert retrier["JitterStrategy"] == "FULL"


@pytest.mark.parametrize("task", TASKS)
def test_the_long_retries_are_for_refusals_alone(task: dict[str, Any]) -> None:
    """A function that ran and failed is not tried for as long, and its own errors count by themselves."""
    for entry in task["Retry"]:
        if set(entry["ErrorEquals"]) & REFUSALS:
            assert set(entry["ErrorEquals"]) == REFUSALS
        elif entry["MaxAttempts"]:
            assert seconds_of(entry) < PATIENCE_SECONDS


def test_api_gateway_asks_to_repeat_a_request_whose_function_was_refused() -> None:
    """API Gateway then answers 500 by itself, and its own answers follow DEFAULT_5XX."""
    answer = resources()["Api"]["Properties"]["GatewayResponses"]["DEFAULT_5XX"]
    assert answer["StatusCode"] == 503
    assert answer["ResponseParameters"]["Headers"]["Retry-After"] == "'1'"


def test_an_answer_of_api_gateway_names_its_own_status() -> None:
    for kind, answer in resources()["Api"]["Properties"]["GatewayResponses"].items():
        body = json.loads(answer["ResponseTemplates"]["application/json"])
        assert body.get("status") == answer.get("StatusCode"), kind


def test_the_machines_are_those_of_the_template() -> None:
    deployed = {
        Path(resource["Properties"]["DefinitionUri"]).name
        for resource in resources().values()
        if resource["Type"] == "AWS::Serverless::StateMachine"
    }
    assert {path.name for path in MACHINES} == deployed
