"""What the steps of an import leave for each other in the bucket of jobs, chunk by chunk, as a JSON object a line."""

from collections.abc import Sequence

from pydantic import BaseModel

from catalog.domain.product_import import CheckedLine, LineResult
from shared.job_files import JobFiles, work_key


class ChunkMissing(Exception):
    """The checked lines of a chunk are not there (any more)."""


class ImportFiles:
    """The files of one import."""

    def __init__(self, files: JobFiles, job_id: str) -> None:
        self._files = files
        self._job_id = job_id

    def put_lines(self, chunk: int, lines: list[CheckedLine]) -> None:
        """Leaves the checked lines of a chunk."""
        self._files.put(self._key("checked", chunk), _written(lines))

    def lines(self, chunk: int) -> list[CheckedLine]:
        """The checked lines of a chunk; raises ChunkMissing."""
        data = self._files.get(self._key("checked", chunk))
        if data is None:
            raise ChunkMissing(f"{self._job_id} chunk {chunk}")
        return [CheckedLine.model_validate_json(line) for line in data.splitlines()]

    def put_results(self, chunk: int, results: list[LineResult]) -> None:
        """Leaves what the lines of a chunk came to."""
        self._files.put(self._key("results", chunk), _written(results))

    def results(self, chunk: int) -> list[LineResult] | None:
        """What the lines of a chunk came to, or None of a chunk that was not done."""
        data = self._files.get(self._key("results", chunk))
        return None if data is None else [LineResult.model_validate_json(line) for line in data.splitlines()]

    def _key(self, kind: str, chunk: int) -> str:
        return work_key(self._job_id, f"{kind}/{chunk:05}.jsonl")


def _written(entries: Sequence[BaseModel]) -> bytes:
    return b"".join(entry.model_dump_json().encode() + b"\n" for entry in entries)
