"""The files of jobs, in one bucket: uploads, intermediate work, and results.

    uploads/<upload id>             sent by a client, by a form that the jobs service signs
    work/<job id>/<name>            passed from step to step; the state machine carries references, not the data
    results/<job id>.<ending>       the job's result; clients get an expiring link

Every name follows from the job and its part, so a step that runs twice writes the same object twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from botocore.exceptions import ClientError

from shared.environment import LambdaEnvironment

PART_BYTES = 8 * 1024 * 1024
"""The size of a part, which is in memory while it is written; S3 asks for 5 MiB or more, except for the last."""


class JobsBucket(LambdaEnvironment):
    """Names the bucket."""

    jobs_bucket: str


class Sink(Protocol):
    """Takes a file's bytes, part by part."""

    def write(self, data: bytes, /) -> None:
        """Takes the next bytes of the file."""


def upload_key(upload: str) -> str:
    """The key of the uploaded file of that id."""
    return f"uploads/{upload}"


def work_key(job_id: str, name: str) -> str:
    """The key of a file that one step of the job writes and another one reads."""
    return f"work/{job_id}/{name}"


def result_key(job_id: str, ending: str) -> str:
    """The key of the job's result; `ending` is the file's, `csv` for example."""
    return f"results/{job_id}.{ending}"


class JobFiles:
    """Reads and writes the files of jobs."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def put(self, key: str, data: bytes) -> None:
        """Stores a small file."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=data)

    def get(self, key: str) -> bytes | None:
        """All of a small file, or None when there is no such file."""
        parts = self.parts(key)
        return None if parts is None else b"".join(parts)

    def parts(self, key: str) -> Iterator[bytes] | None:
        """The bytes of a file of any length, part by part, or None when there is no such file."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise
        parts: Iterator[bytes] = answer["Body"].iter_chunks(PART_BYTES)
        return parts

    @contextmanager
    def writing(self, key: str, content_type: str) -> Iterator[Sink]:
        """A file of any length. It appears, whole, if the block ends well, and otherwise not at all."""
        file = _Parts(self._s3, {"Bucket": self._bucket, "Key": key}, content_type)
        try:
            yield file
            file.complete()
        except BaseException:
            file.abort()
            raise


class _Parts:
    """A file that is sent in parts, or at once when it is small."""

    def __init__(self, s3: Any, place: dict[str, str], content_type: str) -> None:
        self._s3 = s3
        self._place = place
        self._content_type = content_type
        self._buffer = bytearray()
        self._upload: dict[str, Any] = {}
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= PART_BYTES:
            self._send()

    def complete(self) -> None:
        if not self._upload:
            self._s3.put_object(**self._place, Body=bytes(self._buffer), ContentType=self._content_type)
            return
        if self._buffer:
            self._send()
        self._s3.complete_multipart_upload(
            **self._place, **self._upload, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        if self._upload:
            self._s3.abort_multipart_upload(**self._place, **self._upload)

    def _send(self) -> None:
        if not self._upload:
            answer = self._s3.create_multipart_upload(**self._place, ContentType=self._content_type)
            self._upload = {"UploadId": answer["UploadId"]}
        number = len(self._parts) + 1
        answer = self._s3.upload_part(
            **self._place, **self._upload, PartNumber=number, Body=bytes(self._buffer)
        )
        self._parts.append({"ETag": answer["ETag"], "PartNumber": number})
        self._buffer.clear()
