"""The cleanup's bucket, with a report of each run and the places where sweeps ended: the only module that knows S3."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import client
from shared.environment import LambdaEnvironment

_PLACES = "places.json"


class Environment(LambdaEnvironment):
    """Names the bucket."""

    cleanup_bucket: str


class CleanupBucket:
    """Access to the bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def places(self) -> dict[str, str | None]:
        """Where the sweeps of the last run ended; nothing before the first."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=_PLACES)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return {}
            raise
        places: dict[str, str | None] = json.loads(answer["Body"].read())
        return places

    def put_places(self, places: dict[str, str | None]) -> None:
        """Keeps where the sweeps ended."""
        self._put(_PLACES, places)

    def put_report(self, key: str, report: dict[str, Any]) -> None:
        """Stores a run's report; storing it again changes nothing."""
        self._put(key, report)

    def _put(self, key: str, value: dict[str, Any]) -> None:
        body = json.dumps(value, indent=2, sort_keys=True).encode()
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")


@cache
def cleanup_bucket() -> CleanupBucket:
    """The bucket, made once per execution environment."""
    return CleanupBucket(client("s3"), Environment.load().cleanup_bucket)
