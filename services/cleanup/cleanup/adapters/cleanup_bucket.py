"""The cleanup's bucket, with a report of each run and the places where its sweeps ended."""

import json
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
