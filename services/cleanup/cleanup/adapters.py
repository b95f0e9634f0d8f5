"""The cleanup's bucket, with a report of each run and the places where its sweeps ended; and the dead-letter queues."""

import json
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

_PLACES = "places.json"


class CleanupBucket:
    """Access to the bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def places(self) -> dict[str, str | None]:
        """Where the sweeps of the last run ended; empty before the first run."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=_PLACES)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return {}
            raise
        places: dict[str, str | None] = json.loads(answer["Body"].read())
        return places

    def put_places(self, places: dict[str, str | None]) -> None:
        """Stores where the sweeps ended."""
        self._put(_PLACES, places)

    def put_report(self, key: str, report: dict[str, Any]) -> None:
        """Stores a run's report; storing it again changes nothing."""
        self._put(key, report)

    def _put(self, key: str, value: dict[str, Any]) -> None:
        body = json.dumps(value, indent=2, sort_keys=True).encode()
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class DeadLetterQueues:
    """The dead-letter queues of all services. Only their lengths are read."""

    def __init__(self, sqs: Any, urls: Sequence[str]) -> None:
        self._sqs = sqs
        self._urls = urls

    def waiting(self) -> dict[str, int | str]:
        """About how many messages each queue holds, by its name, without the empty ones; or why it cannot be read.

        A message that an operator inspects just now counts as well.
        """
        found = {url.rpartition("/")[2]: self._length(url) for url in self._urls}
        return {name: length for name, length in found.items() if length}

    def _length(self, url: str) -> int | str:
        try:
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
        except ClientError as error:
            # The other queues' dead letters must be seen all the same.
            return f"cannot be read, {error.response['Error']['Code']}"
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)
