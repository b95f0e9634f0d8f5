"""The workflows of GitHub: they name only targets, environments and stacks that exist, and run with few rights."""

import re
import tomllib
from typing import Any

import pytest

from tools.cloudformation_yaml import read_yaml
from tools.settings import REPOSITORY

WORKFLOWS = {path.stem: path.read_text() for path in (REPOSITORY / ".github" / "workflows").glob("*.yml")}
SAMCONFIG = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())
# Its shell would take the value as part of the script.
EXPRESSION = re.compile(r"\$\{\{")


def jobs(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(WORKFLOWS[name])["jobs"]
    return found


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_only_targets_that_exist(name: str) -> None:
    targets = set(re.findall(r"^([\w./-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?<![\w\"])make ([\w./-]+)", WORKFLOWS[name])) <= targets


@pytest.mark.parametrize("name", WORKFLOWS)
def test_each_job_ends_by_itself_and_has_named_rights(name: str) -> None:
    workflow = read_yaml(WORKFLOWS[name])
    for job in workflow["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 55
        assert job.get("permissions", workflow["permissions"])
        for step in job.get("steps", ()):
            assert not EXPRESSION.search(step.get("run", ""))


def test_each_environment_is_in_samconfig_with_its_stack_and_its_stage() -> None:
    [deploy] = jobs("deploy").values()
    environments = {
        job["with"]["environment"]
        for name in ("main", "release")
        for job in jobs(name).values()
        if "with" in job
    }
    assert environments == {"staging", "prod"}
    for environment in environments:
        stack = deploy["env"]["STACK"].replace("${{ inputs.environment }}", environment)
        assert SAMCONFIG[environment]["global"]["parameters"]["stack_name"] == stack
        # The workflow adds the commit there.
        assert f"Stage={environment}" in SAMCONFIG[environment]["deploy"]["parameters"]["parameter_overrides"]


def test_only_what_the_tests_passed_goes_on() -> None:
    assert jobs("main")["staging"]["needs"] == "test"
    assert jobs("release")["prod"]["needs"] == "check"


def test_a_version_that_does_not_work_is_rolled_back() -> None:
    [deploy] = jobs("deploy").values()
    steps = [step.get("name") for step in deploy["steps"]]
    order = ["Keep the deployed version", "Deploy", "See an order confirmed", "Roll back"]
    assert [name for name in steps if name in order] == order
    # Also after a step that ran out of time, or a run that a person stopped.
    assert deploy["steps"][-1]["if"] == "${{ !success() && steps.deploy.outcome == 'success' }}"
