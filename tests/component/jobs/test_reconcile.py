"""The reconciler of jobs through its real handler: its action on a job, by the states of job and execution."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from jobs.adapters.job_store import JobStore
from shared.clock import timestamp, utc_now
from shared.dynamo import to_item
from tests.component.jobs.world import JobsWorld, Killed, ended, execution_of
from tests.component.rest_events import json_body
from tests.faults.template import ROOT

EXAMPLE = ROOT / "events" / "jobs_reconcile.json"
EXPORT = {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-01"}
OVERDUE, A_DAY = timedelta(minutes=16), timedelta(days=1, minutes=1)


def requested(world: JobsWorld, key: str = "k-1") -> tuple[dict[str, Any], str]:
    """Requests an export; the answer, and the job's id."""
    answer = world.request(EXPORT, key=key)
    return answer, json_body(answer)["job_id"]


def age(job_id: str, by: timedelta = OVERDUE) -> None:
    """Makes the job that old."""
    boto3.client("dynamodb").update_item(
        TableName="JobsTable",
        Key=to_item({"pk": job_id}),
        UpdateExpression="SET created_at = :then",
        ExpressionAttributeValues=to_item({":then": timestamp(utc_now() - by)}),
    )


def reconcile(world: JobsWorld) -> dict[str, int]:
    """Runs the reconciler as its schedule does; how many jobs it took each action on."""
    answer = world.invoke("JobsReconcileFunction", json.loads(EXAMPLE.read_text()))
    return {outcome: number for outcome, number in answer.items() if number}


def die(*_: Any) -> None:
    raise Killed


def stopped(job_id: str) -> None:
    """Starts an execution of the job that waits, and stops it as an operator does."""
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    sfn = boto3.client("stepfunctions")
    execution = execution_of("order_export", job_id)
    machine = execution.replace(":execution:", ":stateMachine:").removesuffix(f":{job_id}")
    sfn.update_state_machine(stateMachineArn=machine, definition=json.dumps(waits))
    sfn.start_execution(stateMachineArn=machine, name=job_id, input="{}")
    sfn.stop_execution(executionArn=execution)
    ended(execution)


def test_a_job_whose_final_step_failed_at_every_try_ends_by_the_input_of_that_step(world: JobsWorld) -> None:
    answer, job_id = requested(world)
    world.before("JobsStepsFunction.finish", *[die] * 7)
    assert world.run(answer, ends_as="FAILED")["status"] == "running"
    age(job_id)

    assert reconcile(world) == {"ended": 1}

    job = world.job(job_id)
    assert job["status"] == "succeeded" and job["counts"] == {"orders": 0}
    assert world.file(job)
    assert reconcile(world) == {}


def test_a_failure_that_could_not_be_recorded_is_recorded_later(world: JobsWorld) -> None:
    answer, job_id = requested(world)
    world.before("OrdersExportResultFunction", *[die] * 7)
    world.before("JobsStepsFunction.finish", *[die] * 7)
    world.run(answer, ends_as="FAILED")
    age(job_id)

    assert reconcile(world) == {"ended": 1}
    assert world.job(job_id)["failure"]["code"] == "technical-failure"


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_job_whose_execution_was_stopped_has_failed(world: JobsWorld, cancelled: bool) -> None:
    _, job_id = requested(world)
    if cancelled:
        world.api("POST", f"/jobs/{job_id}/cancel")
    stopped(job_id)
    age(job_id)

    assert reconcile(world) == {"ended": 1}

    job = world.job(job_id)
    assert (job["status"], job["failure"]["code"]) == ("failed", "cut-short")
    assert job["finished_at"] and job["result"] is None


def test_a_job_whose_event_was_lost_is_started_and_done(world: JobsWorld) -> None:
    answer, job_id = requested(world)
    age(job_id)

    assert reconcile(world) == {"started": 1}

    # The event that comes late starts nothing more.
    assert world.run(answer)["status"] == "succeeded"
    assert world.invocations["JobsStepsFunction.finish"] == 1


def test_a_job_that_could_not_be_started_for_a_day_has_failed_and_never_begins(
    world: JobsWorld,
) -> None:
    answer, job_id = requested(world)
    age(job_id, A_DAY)

    assert reconcile(world) == {"ended": 1}
    assert world.job(job_id)["failure"]["code"] == "never-begun"

    assert world.run(answer)["status"] == "failed"
    assert world.invocations["OrdersExportPageFunction"] == 0


def test_a_job_that_was_cancelled_before_anything_was_started_is_cancelled(world: JobsWorld) -> None:
    _, job_id = requested(world)
    world.api("POST", f"/jobs/{job_id}/cancel")
    age(job_id)

    assert reconcile(world) == {"ended": 1}
    assert world.job(job_id)["status"] == "cancelled"


def test_a_job_that_ran_and_whose_execution_is_gone_has_failed(world: JobsWorld) -> None:
    _, job_id = requested(world)
    world.invoke("JobsStepsFunction", {"step": "progress", "job": {"job_id": job_id, "correlation_id": "c"}})
    age(job_id)

    assert reconcile(world) == {"ended": 1}
    assert world.job(job_id)["failure"]["code"] == "cut-short"


def test_the_reconciler_leaves_jobs_alone_that_run_or_were_just_requested(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, job_id = requested(world)
    requested(world, "just-now")
    seen: list[dict[str, int]] = []

    def look() -> None:
        age(job_id, A_DAY)
        seen.append(reconcile(world))

    world.before("OrdersExportPageFunction", look)

    assert world.run(answer)["status"] == "succeeded"
    assert seen == [{"left": 1}]


def test_a_job_that_cannot_be_reconciled_stops_no_other(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [requested(world, key)[1] for key in ("a", "b")]
    for job_id in ids:
        age(job_id, A_DAY)
    broken, change = ids[0], JobStore.change

    def refusing(self: JobStore, job_id: str, how: Any) -> Any:
        if job_id == broken:
            raise RuntimeError("broken")
        return change(self, job_id, how)

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "change", refusing)
        with pytest.raises(Exception, match=broken) as caught:
            reconcile(world)

    assert type(caught.value).__name__ == "ReconciliationFailed"
    assert world.job(ids[1])["status"] == "failed" and world.job(broken)["status"] == "queued"
    assert '"JobsHanging":[2.0]' in capsys.readouterr().out


def test_the_next_run_takes_the_jobs_that_a_run_had_no_time_for(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [requested(world, str(number))[1] for number in range(4)]
    for job_id in ids:
        age(job_id, A_DAY)
    times = iter([60_000, 60_000, 9_000])
    monkeypatch.setattr(
        "tests.component.conftest.FakeLambdaContext.get_remaining_time_in_millis",
        lambda _self: next(times, 60_000),
        raising=False,
    )

    assert reconcile(world) == {"ended": 2}
    assert reconcile(world) == {"ended": 2}
    assert {world.job(job_id)["status"] for job_id in ids} == {"failed"}


@pytest.mark.parametrize("machine", ["order_export", "product_import", "weekly_report"])
def test_every_state_machine_has_the_final_steps_and_times_out_when_the_reconciler_gives_up(
    machine: str,
) -> None:
    definition = json.loads((ROOT / "statemachines" / f"{machine}.asl.json").read_text())

    assert {"FinishJob", "FailJob"} <= set(definition["States"])
    assert timedelta(seconds=definition["TimeoutSeconds"]) == timedelta(days=1)
