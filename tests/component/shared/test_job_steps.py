"""A function of several job steps: the state names the step."""

from typing import Any

import pytest

from shared.job_steps import JobInput, JobStep, job_steps_handler
from shared.steps import UnknownStep

JOB = {"job": {"job_id": "job_1", "correlation_id": "c"}}


def test_the_step_that_the_state_names_is_performed_and_logged(lambda_context: Any, logged: Any) -> None:
    steps = {
        "one": JobStep(JobInput, lambda given: {"of": given.job.job_id}),
        "two": JobStep(JobInput, lambda _: {}),
    }

    assert job_steps_handler(steps)({"step": "one", **JOB}, lambda_context) == {"of": "job_1"}

    (line,) = logged("step done")
    assert (line["step"], line["job_id"], line["causation_id"]) == ("one", "job_1", "job_1/one")


@pytest.mark.parametrize("named", [{}, {"step": "three"}])
def test_a_step_that_the_function_does_not_have_is_refused(
    lambda_context: Any, named: dict[str, str]
) -> None:
    with pytest.raises(UnknownStep):
        job_steps_handler({"one": JobStep(JobInput, lambda _: {})})({**named, **JOB}, lambda_context)
