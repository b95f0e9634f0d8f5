"""Step of a product import: applies one chunk of lines, each line once, however often the chunk runs."""

from collections import Counter
from typing import Annotated, Any

from pydantic import Field

from catalog.adapters.import_store import LineDone
from catalog.dependencies import import_files, import_store, product_store
from catalog.domain.product import ProductDetails, apply_details
from catalog.domain.product_import import CheckedLine, LineOutcome, LineResult
from shared.clock import utc_now
from shared.job_steps import JobInput, job_step
from shared.observability import count
from shared.versioned_table import retry_on_conflict


class Chunk(JobInput):
    """The input of the step: which chunk."""

    chunk: Annotated[int, Field(ge=1)]


def apply_chunk(given: Chunk) -> dict[str, Any]:
    """Applies the chunk's good lines and stores each line's result; answers how many lines there are.

    Raises WriteConflict if other writers keep changing a product.
    """
    files = import_files(given.job.job_id)
    done = import_store().done(given.job.job_id, given.chunk)
    results = [
        LineResult.of(line, done.get(line.line) or _apply_once(line, given))
        for line in files.lines(given.chunk)
    ]
    files.put_results(given.chunk, results)
    counted = Counter(result.outcome for result in results)
    count("ProductsChanged", counted[LineOutcome.CREATED] + counted[LineOutcome.CHANGED])
    return {"number": given.chunk, "done": len(results)}


def _apply_once(line: CheckedLine, given: Chunk) -> LineOutcome:
    """The line's outcome, after its product is stored."""
    if line.details is None:
        return LineOutcome.REFUSED
    try:
        return retry_on_conflict(_apply, line, line.details, given)
    except LineDone:
        # Two runs of this chunk overlap, and the other one was faster.
        return import_store().done(given.job.job_id, given.chunk)[line.line]


def _apply(line: CheckedLine, details: ProductDetails, given: Chunk) -> LineOutcome:
    job, now = given.job, utc_now()
    stored = product_store().find(details.sku, consistent=True)
    product, events = apply_details(stored, details, correlation_id=job.correlation_id, now=now)
    if not events:
        return LineOutcome.UNCHANGED
    return import_store().apply(line, product, events, job_id=job.job_id, chunk=given.chunk, now=now)


handler = job_step(Chunk, apply_chunk)
