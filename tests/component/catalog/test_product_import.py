"""Importing products, from the uploaded file to the last line's outcome, with the shipped machine and functions."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from catalog.adapters.import_store import ImportStore
from catalog.domain.events import ProductChanged
from catalog.domain.product import Product
from catalog.domain.product_import import CHUNK_LINES
from tests.component.jobs.world import HEADER, JobsWorld, Killed, jobs_world, products_csv
from tests.component.rest_events import json_body

# One of each way in which a line can be bad; {} is the line's own number.
BAD = (
    'tea-{},"lower case",,tea,790,EUR,true',
    "TEA-BAD-{},,,tea,790,EUR,true",
    "TEA-BAD-{},Name,,cheese,790,EUR,true",
    "TEA-BAD-{},Name,,tea,7.90,EUR,true",
    "TEA-BAD-{},Name,,tea,0,EUR,true",
    "TEA-BAD-{},Name,,tea,790,Euro,true",
    "TEA-BAD-{},Name,,tea,790,EUR,perhaps",
    "TEA-BAD-{},Name,,tea,790",
    "TEA-000,Again,,tea,790,EUR,true",
)
BAD_LINES = range(20, 1000, 27)  # 37 of 1,000


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsWorld]:
    with jobs_world(monkeypatch) as world:
        yield world


def test_a_chunk_whose_event_its_own_schema_refuses_is_not_tried_again(world: JobsWorld) -> None:
    world.before("CatalogImportChunkFunction", lambda: ProductChanged.model_validate({}))

    job = world.run(importing(world, products_csv(good(1))))

    assert world.invocations["CatalogImportChunkFunction"] == 1
    assert job["status"] == "failed"


def good(number: int, name: str = "Tea", price: int = 790) -> str:
    return f'TEA-{number:03},"{name}, no. {number}","Malty ""and"" strong.\nTwo lines.",tea,{price},EUR,'


def thousand() -> list[str]:
    assert len(BAD_LINES) == 37
    return [
        BAD[number % len(BAD)].format(number) if number in BAD_LINES else good(number)
        for number in range(1000)
    ]


def importing(
    world: JobsWorld, data: bytes, on_error: str = "apply_good", key: str = "k-1"
) -> dict[str, Any]:
    return world.request(
        {"kind": "product_import", "upload": world.upload(data), "on_error": on_error}, key=key
    )


def results(world: JobsWorld, job: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(world.file(job).decode(), newline="")))


def test_a_thousand_lines_with_37_bad_ones_apply_the_good_and_report_each_line(world: JobsWorld) -> None:
    job = world.run(importing(world, products_csv(*thousand())))

    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 1000, "total": 1000}
    assert job["counts"] == {
        "created": 963, "changed": 0, "unchanged": 0, "refused": 37, "not_applied": 0
    }  # fmt: skip
    lines = results(world, job)
    assert len(lines) == 1000
    refused = [line for line in lines if line["outcome"] == "refused"]
    assert len(refused) == 37 and all(line["reason"] for line in refused)
    assert {line["outcome"] for line in lines if line not in refused} == {"created"}
    products = world.items("CatalogTable")
    assert len(products) == 963
    assert products["TEA-001"]["name"] == "Tea, no. 1"
    assert products["TEA-001"]["description"] == 'Malty "and" strong.\nTwo lines.'
    assert products["TEA-001"]["version"] == 1
    # What travelled were references: Step Functions takes 256 KiB.
    assert world.largest_state < 1024


def test_with_apply_none_one_bad_line_keeps_all_from_being_applied(world: JobsWorld) -> None:
    job = world.run(importing(world, products_csv(*thousand()[:200]), on_error="apply_none"))

    assert job["status"] == "succeeded"
    assert job["counts"]["refused"] == 7 and job["counts"]["not_applied"] == 193
    assert world.items("CatalogTable") == {}
    assert world.invocations["CatalogImportChunkFunction"] == 0
    assert {line["outcome"] for line in results(world, job)} == {"refused", "not_applied"}


def test_with_apply_none_rows_and_columns_without_content_keep_no_good_line_from_being_applied(
    world: JobsWorld,
) -> None:
    """As a spreadsheet saves a table if an admin has emptied cells below it or beside it."""
    rows = [f"{good(0)},,", ",,,,,,,,", f"{good(1)},,", ",,,,,,,,", "\u00a0,,,,,,,,"]
    job = world.run(importing(world, products_csv(*rows, header=f"{HEADER},,"), on_error="apply_none"))

    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 2, "total": 2}
    # The first product's description has two lines.
    assert [(row["line"], row["outcome"]) for row in results(world, job)] == [
        ("2", "created"),
        ("5", "created"),
    ]


def test_with_apply_none_a_file_without_bad_lines_is_applied(world: JobsWorld) -> None:
    job = world.run(importing(world, products_csv(*map(good, range(3))), on_error="apply_none"))

    assert job["counts"]["created"] == 3


def test_the_same_file_again_changes_nothing_and_another_changes_the_differences(world: JobsWorld) -> None:
    world.run(importing(world, products_csv(good(1), good(2))))
    again = world.run(importing(world, products_csv(good(1), good(2)), key="k-2"))
    other = world.run(importing(world, products_csv(good(1), good(2, price=900)), key="k-3"))

    assert again["counts"]["unchanged"] == 2
    assert (other["counts"]["unchanged"], other["counts"]["changed"]) == (1, 1)
    products = world.items("CatalogTable")
    assert (products["TEA-001"]["version"], products["TEA-002"]["version"]) == (1, 2)


@pytest.fixture
def dying_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counter[str]]:
    """Ends the chunk's process at the given writes, before or after they take effect; counts each sku's writes."""

    def die(*writes: int, after: bool) -> Counter[str]:
        written: Counter[str] = Counter()
        apply = ImportStore.apply

        def dying(self: ImportStore, line: Any, product: Product, *args: Any, **kwargs: Any) -> Any:
            dies = written.total() + 1 in writes and product.sku not in written
            if dies and not after:
                written["(killed)"] += 1
                raise Killed
            outcome = apply(self, line, product, *args, **kwargs)
            written[product.sku] += 1
            if dies:
                raise Killed
            return outcome

        monkeypatch.setattr(ImportStore, "apply", dying)
        return written

    return die


@pytest.mark.parametrize("after", [False, True], ids=["before a write", "after a write"])
def test_a_worker_killed_in_the_middle_resumes_without_doing_a_line_twice(
    world: JobsWorld, dying_at: Callable[..., Counter[str]], after: bool
) -> None:
    written = dying_at(50, 130, 131, 240, after=after)

    job = world.run(importing(world, products_csv(*thousand()[:300])))

    del written["(killed)"]
    assert job["status"] == "succeeded"
    assert world.invocations["CatalogImportChunkFunction"] == 3 + 4
    assert set(written.values()) == {1} and len(written) == 289
    assert {item["version"] for item in world.items("CatalogTable").values()} == {1}
    # Also the report is what it would have been.
    assert job["counts"]["created"] == 289
    assert job["progress"]["done"] == 300


def test_a_second_run_of_a_chunk_does_not_overwrite_an_admins_change(
    world: JobsWorld, dying_at: Callable[..., Counter[str]]
) -> None:
    dying_at(2, after=True)

    def change() -> None:
        from catalog.dependencies import product_store
        from shared.clock import utc_now

        stored = product_store().find("TEA-001", consistent=True)
        assert stored
        changed, events = stored.revise(
            stored.model_copy(update={"name": "By hand"}), correlation_id="c", now=utc_now()
        )
        product_store().put_product(changed, events)

    world.before("CatalogImportChunkFunction", lambda: None, change)

    job = world.run(importing(world, products_csv(good(1), good(2))))

    assert job["counts"]["created"] == 2
    assert world.items("CatalogTable")["TEA-001"]["name"] == "By hand"


def test_a_check_that_dies_in_the_middle_is_done_again(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.adapters.import_files import ImportFiles

    put, left = ImportFiles.put_lines, [True]

    def dying(self: ImportFiles, chunk: int, lines: Any) -> None:
        put(self, chunk, lines)
        if chunk == 2 and left.pop():
            raise Killed

    monkeypatch.setattr(ImportFiles, "put_lines", lambda *args: dying(*args) if left else put(*args))

    job = world.run(importing(world, products_csv(*map(good, range(250)))))

    assert world.invocations["CatalogImportCheckFunction"] == 2
    assert job["counts"]["created"] == 250


def test_cancelling_stops_between_chunks_and_reports_the_applied_lines(world: JobsWorld) -> None:
    answer = importing(world, products_csv(*map(good, range(900))))
    job_id = json_body(answer)["job_id"]
    world.before(
        "CatalogImportChunkFunction",
        *[lambda: None] * 3,
        lambda: world.api("POST", f"/jobs/{job_id}/cancel"),
    )

    job = world.run(answer)

    assert job["status"] == "cancelled"
    applied = job["counts"]["created"]
    # At most those chunks that were under way.
    assert 4 * CHUNK_LINES <= applied < 9 * CHUNK_LINES
    assert applied == len(world.items("CatalogTable")) == job["progress"]["done"]
    outcomes = Counter(line["outcome"] for line in results(world, job))
    assert outcomes == {"created": applied, "not_applied": 900 - applied}


def test_a_job_cancelled_before_it_starts_applies_nothing(world: JobsWorld) -> None:
    answer = importing(world, products_csv(good(1)))
    assert world.api("POST", f"/jobs/{json_body(answer)['job_id']}/cancel")["statusCode"] == 202

    job = world.run(answer)

    assert job["status"] == "cancelled"
    assert world.items("CatalogTable") == {}


def test_a_chunk_that_cannot_be_applied_stops_no_other_and_fails_the_job(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = ImportStore.apply

    def failing(self: ImportStore, line: Any, product: Product, *args: Any, **kwargs: Any) -> Any:
        if product.sku == "TEA-150":
            raise Killed
        return apply(self, line, product, *args, **kwargs)

    monkeypatch.setattr(ImportStore, "apply", failing)

    job = world.run(importing(world, products_csv(*map(good, range(300)))))

    assert job["status"] == "failed" and job["failure"]["code"] == "incomplete"
    assert job["counts"]["created"] == 200 and job["counts"]["not_applied"] == 100


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (products_csv(header=HEADER.replace("sku,", "")), "lacks the column sku"),
        (products_csv(good(1), header=HEADER + ",colour"), "'colour' that is not known"),
        (products_csv(good(1), header=HEADER + ",sku"), "the column sku twice"),
        (products_csv(), "no line after its header"),
        (b"", "lacks the column sku"),
        (products_csv(good(1)) + b"\xff\xfe", "is not UTF-8"),
        (products_csv('TEA-1,"open,tea'), "cannot be read from line 2 on"),
        (products_csv(*["A"] * 20_001), "more than 20000 lines"),
    ],
)
def test_a_file_that_cannot_be_read_fails_the_job_in_words(
    world: JobsWorld, data: bytes, detail: str
) -> None:
    job = world.run(importing(world, data))

    assert job["status"] == "failed"
    assert job["failure"]["code"] == "upload-refused"
    assert detail in job["failure"]["detail"]
    assert job["result"] is None
    assert world.invocations["CatalogImportCheckFunction"] == 1


def test_an_internal_fault_fails_the_job_without_revealing_its_cause(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("catalog.adapters.import_files.ImportFiles.put_lines", broken)

    job = world.run(importing(world, products_csv(good(1))))

    assert job["failure"]["code"] == "technical-failure"
    assert "secret" not in str(job)
