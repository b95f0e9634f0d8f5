"""The jobs table: the only module of the service that knows DynamoDB.

a job            pk = job id; forgotten 30 days after it was asked for
index by-time    shelf = "jobs", created_at: all jobs in the order of time
index by-status  status, created_at: those in one status
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from jobs.domain.job import Job, JobStatus
from jobs.domain.requests import written
from shared.clock import timestamp
from shared.dynamo import condition_failed, from_item, to_item
from shared.errors import TransientError
from shared.events import Event
from shared.outbox import outbox_of

_SHELF = "jobs"
_REMEMBERED_FOR = timedelta(days=30)
# A job changes its status a few times in its life, and hardly ever at the same moment.
_RACES = 4

# Where a page of jobs ended: `created_at` and `pk` of its last job.
Position = dict[str, str]


class JobContended(TransientError):
    """Another change of the job's status came first; trying again works on the changed job."""


class JobMissing(TransientError):
    """There is no such job (any more, or yet)."""


class JobStore:
    """Access to the jobs table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def add(self, job: Job, events: list[Event]) -> Job:
        """Stores a new job with its events, or returns the one that was stored under its id before, untouched."""
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=_item(job, events),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            stored: Any = error.response
            return _job(stored["Item"])
        return job

    def find(self, job_id: str) -> Job | None:
        """The job, as last written, or None."""
        answer = self._dynamodb.get_item(
            TableName=self._table, Key=to_item({"pk": job_id}), ConsistentRead=True
        )
        return _job(answer["Item"]) if "Item" in answer else None

    def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Applies `change` to the job, again when its status changed meanwhile, and stores what it changed.

        Progress that is recorded at the same time stays. Raises JobMissing, JobContended, and whatever `change` raises.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(JobContended), stop=stop_after_attempt(_RACES), reraise=True
        )
        return retrying(self._change, job_id, change)

    def record_progress(self, job_id: str, *, part: str, done: int) -> Job:
        """Writes down how much a piece of the work did, and returns the job as it is now; raises JobMissing."""
        return self._update(job_id, "SET parts.#part = :done", {"#part": part}, {":done": done})

    def record_total(self, job_id: str, total: int) -> Job:
        """Writes down how much there is to do, and returns the job as it is now; raises JobMissing."""
        return self._update(job_id, "SET #total = :total", {"#total": "total"}, {":total": total})

    def list(
        self, limit: int, after: Position | None, status: JobStatus | None = None
    ) -> tuple[list[Job], Position | None]:
        """A page of the jobs, all or those in one status, newest first, and the position after it (None at the end)."""
        index, name, value = ("by-status", "status", status.value) if status else ("by-time", "shelf", _SHELF)
        start = {"ExclusiveStartKey": to_item({**after, name: value})} if after else {}
        answer = self._dynamodb.query(
            TableName=self._table,
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

    def open_since_before(self, moment: datetime) -> Iterator[Job]:
        """The jobs that were asked for before `moment` and have not ended, those in one status after the other, oldest
        first; as the index has them, which lags behind the table."""
        for status in JobStatus:
            if status.is_final:
                continue
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table,
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
        try:
            self._update(
                job_id,
                "SET " + ", ".join(f"#{name} = :{name}" for name in names),
                {f"#{name}": name for name in (*names, "status")},
                {":before": before["status"], **{f":{name}": after[name] for name in names}},
                condition=" AND #status = :before",
            )
        except ClientError as error:
            if condition_failed(error):
                raise JobContended(job_id) from error
            raise
        return changed

    def _update(
        self,
        job_id: str,
        expression: str,
        names: dict[str, str],
        values: dict[str, Any],
        condition: str = "",
    ) -> Job:
        try:
            answer = self._dynamodb.update_item(
                TableName=self._table,
                Key=to_item({"pk": job_id}),
                UpdateExpression=expression,
                ConditionExpression="attribute_exists(pk)" + condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_NEW",
            )
        except ClientError as error:
            if condition_failed(error) and not condition:
                raise JobMissing(job_id) from error
            raise
        return _job(answer["Attributes"])


def _item(job: Job, events: list[Event]) -> dict[str, Any]:
    forgotten = datetime.fromisoformat(job.created_at) + _REMEMBERED_FOR
    return to_item(
        {
            "pk": job.job_id,
            "shelf": _SHELF,
            **job.model_dump(mode="json", exclude_none=True),
            "request": written(job.request),
            "outbox": outbox_of(events),
            "expires_at": int(forgotten.timestamp()),
        }
    )


def _job(item: dict[str, Any]) -> Job:
    return Job.model_validate(from_item(item))
