"""Files of jobs: whole or not there, in parts when they are large."""

import boto3
import pytest

from shared.aws import client
from shared.job_files import PART_BYTES, JobFiles, result_key

KEY = result_key("job_1", "csv")


@pytest.fixture
def files(aws: None) -> JobFiles:
    boto3.client("s3").create_bucket(
        Bucket="jobs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return JobFiles(client("s3"), "jobs")


@pytest.mark.parametrize("pieces", [0, 1, 9, 20], ids=["empty", "small", "two parts", "three parts"])
def test_a_file_of_any_length_is_what_was_written(files: JobFiles, pieces: int) -> None:
    mebibyte = bytes(range(256)) * 4096

    with files.writing(KEY, "text/csv") as file:
        for _ in range(pieces):
            file.write(mebibyte)

    assert files.get(KEY) == mebibyte * pieces
    head = boto3.client("s3").head_object(Bucket="jobs", Key=KEY)
    assert head["ContentType"] == "text/csv"
    assert ("-" in head["ETag"]) is (pieces * len(mebibyte) >= PART_BYTES)


def test_a_file_whose_writing_fails_is_not_there_nor_are_its_parts(files: JobFiles) -> None:
    def write() -> None:
        with files.writing(KEY, "text/csv") as file:
            file.write(bytes(PART_BYTES + 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()

    assert files.get(KEY) is None
    assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket="jobs")
