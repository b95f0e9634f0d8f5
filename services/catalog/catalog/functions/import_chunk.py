"""Step of a product import: applies one chunk of lines, each line once, however often the chunk is run."""

from collections import Counter
from typing import Annotated, Any

from pydantic import Field
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from catalog.adapters.import_files import ImportFiles
from catalog.adapters.import_store import LineDone
from catalog.adapters.product_store import ProductContended
from catalog.dependencies import import_store, job_files, product_store
from catalog.domain.product import Product, ProductDetails
from catalog.domain.product_import import CheckedLine, LineOutcome, LineResult
from shared.clock import utc_now
from shared.job_steps import JobInput, JobReference, job_step
from shared.observability import count

# Each lost race means that somebody else changed the product meanwhile.
_RACES = 4


class Chunk(JobInput):
    """The input of the step: which chunk."""

    chunk: Annotated[int, Field(ge=1)]


def apply_chunk(given: Chunk) -> dict[str, Any]:
    """Applies the chunk's good lines and leaves what each line came to; answers how many lines there are."""
    files = ImportFiles(job_files(), given.job.job_id)
    done = import_store().done(given.job.job_id, given.chunk)
    results = [_result(line, done, given) for line in files.lines(given.chunk)]
    files.put_results(given.chunk, results)
    counted = Counter(result.outcome for result in results)
    count("ProductsChanged", counted[LineOutcome.CREATED] + counted[LineOutcome.CHANGED])
    return {"number": given.chunk, "done": len(results)}


def _result(line: CheckedLine, done: dict[int, LineOutcome], given: Chunk) -> LineResult:
    if line.details is None:
        return LineResult(
            line=line.line, sku=line.sku, outcome=LineOutcome.REFUSED, reason=line.refused or ""
        )
    outcome = done.get(line.line) or _applied(line, line.details, given.job, given.chunk)
    return LineResult(line=line.line, sku=line.sku, outcome=outcome)


def _applied(line: CheckedLine, details: ProductDetails, job: JobReference, chunk: int) -> LineOutcome:
    """What the line came to; raises ProductContended when somebody else changes the product again and again."""
    retrying = Retrying(
        retry=retry_if_exception_type(ProductContended), stop=stop_after_attempt(_RACES), reraise=True
    )
    try:
        return retrying(_apply, line, details, job, chunk)
    except LineDone:
        # This chunk runs twice at the same time: the other one was faster.
        return import_store().done(job.job_id, chunk)[line.line]


def _apply(line: CheckedLine, details: ProductDetails, job: JobReference, chunk: int) -> LineOutcome:
    now = utc_now()
    stored = product_store().find(details.sku, consistent=True)
    if stored is None:
        product, events = Product.introduce(details, correlation_id=job.correlation_id, now=now)
    else:
        product, events = stored.revise(details, correlation_id=job.correlation_id, now=now)
    if not events:
        return LineOutcome.UNCHANGED
    return import_store().apply(line, product, events, job_id=job.job_id, chunk=chunk, now=now)


handler = job_step(Chunk, apply_chunk)
