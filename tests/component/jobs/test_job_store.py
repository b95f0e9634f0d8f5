"""The jobs table under changes that happen at the same time."""

from jobs.dependencies import job_store
from jobs.domain.job import Job, JobStatus
from shared.clock import utc_now
from tests.component.jobs.world import JobsWorld
from tests.component.rest_events import json_body

EXPORT = {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-30"}


def test_a_change_starts_over_if_the_status_changes_meanwhile_and_keeps_recorded_progress(
    world: JobsWorld,
) -> None:
    job_id = json_body(world.request(EXPORT))["job_id"]
    store, seen = job_store(), list[JobStatus]()

    def begin(job: Job) -> Job:
        seen.append(job.status)
        if len(seen) == 1:
            store.record_progress(job_id, part="1", done=5)
            store.change(job_id, lambda current: current.cancel())
        return job.begin(utc_now())

    changed = store.change(job_id, begin)

    assert seen == [JobStatus.QUEUED, JobStatus.CANCELLING]
    assert (changed.status, changed.done) == (JobStatus.CANCELLING, 5)
