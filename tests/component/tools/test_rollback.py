"""`make checkpoint` and `make rollback`: the version that was deployed before a deployment comes back."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from tools.ops import rollback

from .conftest import STACK, Command, FakeCloudFormation

GOOD = "Resources: {F: {Properties: {CodeUri: 's3://packages/cartwright/0123abcd'}}}\n"
ARGUMENTS = ("--stack", STACK, "--region", "eu-central-1")


@pytest.fixture
def cloudformation(
    on_aws: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> FakeCloudFormation:
    """CloudFormation, which takes an update of the stack as the test says; `updates` has the requests."""
    s3: Any = boto3.client("s3", region_name="eu-central-1")
    s3.create_bucket(Bucket="packages", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    made: Any = on_aws
    made.template, made.updates, made.refusal, made.ends_well = GOOD, [], "", True
    on_aws.parameters["Revision"] = "g00d"

    def update(**request: Any) -> None:
        made.updates.append(request)
        if made.refusal:
            error: Any = {"Error": {"Code": "ValidationError", "Message": made.refusal}}
            raise ClientError(error, "UpdateStack")

    class Waiter:
        def wait(self, *, StackName: str) -> None:  # noqa: N803 - as boto3 names it
            if not made.ends_well:
                made.status = "UPDATE_ROLLBACK_COMPLETE"
                raise WaiterError("StackUpdateComplete", "it ended otherwise", {})

    made.get_template = lambda **_: {"TemplateBody": made.template}
    made.update_stack = update
    made.get_waiter = lambda _: Waiter()
    monkeypatch.setattr(rollback, "LOCAL", tmp_path)
    return on_aws


def deploy_a_bad_version(cloudformation: Any) -> None:
    cloudformation.template = GOOD.replace("0123abcd", "bad0")
    cloudformation.parameters |= {"Revision": "b4d", "Added": "by the bad version"}


def test_the_template_and_the_parameters_of_the_checkpoint_come_back(
    cloudformation: Any, command: Command
) -> None:
    kept = command("checkpoint", *ARGUMENTS)
    assert (kept.code, "commit g00d" in kept.output) == (0, True)
    deploy_a_bad_version(cloudformation)

    shown = command("rollback", *ARGUMENTS)

    assert (shown.code, "commit g00d" in shown.output) == (0, True)
    [update] = cloudformation.updates
    assert update["StackName"] == STACK
    assert {one["ParameterKey"]: one["ParameterValue"] for one in update["Parameters"]} == {
        "Stage": "dev",
        "Revision": "g00d",
    }
    assert set(update["Capabilities"]) == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
    # It lies beside the packages, where the deployer may write.
    place, _, key = update["TemplateURL"].partition("/packages/")
    assert (place, key.startswith("cartwright/rollback-")) == ("https://s3.eu-central-1.amazonaws.com", True)
    s3: Any = boto3.client("s3", region_name="eu-central-1")
    assert s3.get_object(Bucket="packages", Key=key)["Body"].read().decode() == GOOD


def test_a_stack_that_has_the_version_already_stays_as_it_is(cloudformation: Any, command: Command) -> None:
    command("checkpoint", *ARGUMENTS)
    cloudformation.refusal = "No updates are to be performed."
    shown = command("rollback", *ARGUMENTS)
    assert (shown.code, "commit g00d, as it is" in shown.output) == (0, True)


def test_a_refused_update_fails(cloudformation: Any, command: Command) -> None:
    command("checkpoint", *ARGUMENTS)
    cloudformation.refusal = "Stack is in UPDATE_IN_PROGRESS state."
    shown = command("rollback", *ARGUMENTS)
    assert (shown.code, "UPDATE_IN_PROGRESS" in shown.errors) == (1, True)


def test_an_update_that_cloudformation_takes_back_fails(cloudformation: Any, command: Command) -> None:
    command("checkpoint", *ARGUMENTS)
    cloudformation.ends_well = False
    shown = command("rollback", *ARGUMENTS)
    assert (shown.code, "UPDATE_ROLLBACK_COMPLETE" in shown.errors) == (1, True)


def test_without_a_checkpoint_it_says_so(cloudformation: Any, command: Command) -> None:
    shown = command("rollback", *ARGUMENTS)
    assert (shown.code, f"There is no checkpoint of {STACK}." in shown.errors) == (1, True)
    assert not cloudformation.updates
