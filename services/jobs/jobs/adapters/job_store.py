"""The jobs table.

    a job            pk = job id; expires 30 days after it was requested
    index by-time    shelf = "jobs", created_at: all jobs in the order of time
    index by-status  status, created_at: the jobs in one status

A job has no `version`: the five chunks of an import record their progress at the same time, each in a field of its own.
With a version each of them would conflict with the others, and with the job's end. So a change writes only the fields
that it changes, on the condition that the status is the one that it was based on.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from jobs.domain.job import Job, JobStatus
from jobs.domain.requests import request_fields
from shared.clock import timestamp
from shared.dynamo import from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of
from shared.versioned_table import VersionedTable, WriteConflict, retry_on_conflict

_SHELF = "jobs"
_EXPIRES_AFTER = timedelta(days=30)

# The end of a page of jobs: `created_at` and `pk` of its last job.
Position = dict[str, str]


class JobMissing(TransientError):
    """There is no such job: it expired, or its write is not there yet."""


class JobStore:
    """Access to the jobs table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def add(self, job: Job, events: list[Event]) -> Job:
        """Stores a new job with its events; or returns the job that is stored under its id already, untouched."""
        stored = self._table.put_new(_item(job, events))
        return job if stored is None else Job.model_validate(stored)

    def find(self, job_id: str) -> Job | None:
        """The job, as last written, or None."""
        item = self._table.get({"pk": job_id})
        return Job.model_validate(item) if item else None

    def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Applies `change` to the job and stores the changed fields. Starts over if the status changed meanwhile.

        Progress that another step records meanwhile stays. Raises JobMissing, WriteConflict, and any error of `change`.
        """
        return retry_on_conflict(self._change, job_id, change)

    def record_progress(self, job_id: str, *, part: str, done: int) -> Job:
        """Records the size of a finished piece of the work; returns the job as it is now. Raises JobMissing."""
        return self._record(job_id, "SET parts.#part = :done", {"#part": part}, {":done": done})

    def record_total(self, job_id: str, total: int) -> Job:
        """Records the size of the whole work; returns the job as it is now. Raises JobMissing."""
        return self._record(job_id, "SET #total = :total", {"#total": "total"}, {":total": total})

    def list(
        self, limit: int, after: Position | None, status: JobStatus | None = None
    ) -> tuple[list[Job], Position | None]:
        """A page of the jobs, newest first, and the position after it (None at the end); in `status`, or in any."""
        index, name, value = ("by-status", "status", status.value) if status else ("by-time", "shelf", _SHELF)
        start = {"ExclusiveStartKey": to_item({**after, name: value})} if after else {}
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName=index,
            KeyConditionExpression="#hash = :hash",
            ExpressionAttributeNames={"#hash": name},
            ExpressionAttributeValues=to_item({":hash": value}),
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        last = answer.get("LastEvaluatedKey")
        position = {key: entry for key, entry in from_item(last).items() if key != name} if last else None
        return [_job(item) for item in answer["Items"]], position

    def unfinished_before(self, moment: datetime) -> Iterator[Job]:
        """The jobs that were requested before `moment` and have not ended, status by status, the oldest first.

        The index lags behind the table, so a job may have ended meanwhile.
        """
        for status in JobStatus:
            if status.is_final:
                continue
            pages = self._table.dynamodb.get_paginator("query").paginate(
                TableName=self._table.name,
                IndexName="by-status",
                KeyConditionExpression="#status = :status AND created_at < :moment",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues=to_item({":status": status.value, ":moment": timestamp(moment)}),
            )
            for page in pages:
                yield from (_job(item) for item in page["Items"])

    def _change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        job = self.find(job_id)
        if job is None:
            raise JobMissing(job_id)
        changed = change(job)
        before, after = job.model_dump(mode="json"), changed.model_dump(mode="json")
        names = [name for name in after if after[name] != before[name] and after[name] is not None]
        if not names:
            return job
        stored = self._update(
            job_id,
            "SET " + ", ".join(f"#{name} = :{name}" for name in names),
            {f"#{name}": name for name in (*names, "status")},
            {":before": before["status"], **{f":{name}": after[name] for name in names}},
            condition="attribute_exists(pk) AND #status = :before",
        )
        if stored is None:
            raise WriteConflict(f"{job_id} is no longer {before['status']}")
        return changed

    def _record(self, job_id: str, expression: str, names: dict[str, str], values: dict[str, int]) -> Job:
        job = self._update(job_id, expression, names, values, condition="attribute_exists(pk)")
        if job is None:
            raise JobMissing(job_id)
        return job

    def _update(
        self,
        job_id: str,
        expression: str,
        names: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        condition: str,
    ) -> Job | None:
        """The job as it is after the update; None if `condition` did not hold."""
        write = self._table.update({"pk": job_id}, expression, values, condition=condition)
        write["Update"]["ExpressionAttributeNames"] = names
        answer = self._table.write_one(write, ReturnValues="ALL_NEW")
        return _job(answer["Attributes"]) if answer else None


def _item(job: Job, events: list[Event]) -> dict[str, Any]:
    expires = datetime.fromisoformat(job.created_at) + _EXPIRES_AFTER
    return {
        "pk": job.job_id,
        "shelf": _SHELF,
        **job.model_dump(mode="json", exclude_none=True),
        "request": request_fields(job.request),
        **outbox_of(events),
        "expires_at": int(expires.timestamp()),
    }


def _job(item: dict[str, Any]) -> Job:
    return Job.model_validate(from_item(item))
