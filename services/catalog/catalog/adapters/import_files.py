"""The files that the steps of an import hand to each other in the jobs bucket: per chunk, one JSON object a line."""

from collections.abc import Sequence

from pydantic import BaseModel

from catalog.domain.product_import import CheckedLine, LineResult
from shared.job_files import JobFiles, work_key


class ChunkMissing(Exception):
    """The checked lines of a chunk do not exist, or no longer."""


class ImportFiles:
    """The files of one import."""

    def __init__(self, files: JobFiles, job_id: str) -> None:
        self._files = files
        self._job_id = job_id

    def put_lines(self, chunk: int, lines: list[CheckedLine]) -> None:
        """Stores the checked lines of a chunk."""
        self._files.put(self._key("checked", chunk), _written(lines))

    def lines(self, chunk: int) -> list[CheckedLine]:
        """The checked lines of a chunk; raises ChunkMissing."""
        data = self._files.get(self._key("checked", chunk))
        if data is None:
            raise ChunkMissing(f"{self._job_id} chunk {chunk}")
        return [CheckedLine.model_validate_json(line) for line in data.splitlines()]

    def put_results(self, chunk: int, results: list[LineResult]) -> None:
        """Stores the results of a chunk's lines."""
        self._files.put(self._key("results", chunk), _written(results))

    def results(self, chunk: int) -> list[LineResult] | None:
        """The results of a chunk's lines, or None if the chunk was not applied."""
        data = self._files.get(self._key("results", chunk))
        return None if data is None else [LineResult.model_validate_json(line) for line in data.splitlines()]

    def _key(self, kind: str, chunk: int) -> str:
        return work_key(self._job_id, f"{kind}/{chunk:05}.jsonl")


def _written(entries: Sequence[BaseModel]) -> bytes:
    return b"".join(entry.model_dump_json().encode() + b"\n" for entry in entries)
