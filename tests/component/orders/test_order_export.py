"""Exporting orders, from the request to the file, with the shipped machine and functions."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from orders.adapters.order_store import OrderStore
from orders.domain.export import COLUMNS
from shared.job_files import JobFiles, Sink
from tests.component.jobs.world import JobsWorld, Killed, jobs_world
from tests.component.orders.account import placed_order
from tests.component.rest_events import json_body

FIRST = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsWorld]:
    # An export asks for each shard of each day.
    monkeypatch.setattr("orders.adapters.placement_index._SHARDS", 3)
    with jobs_world(monkeypatch) as world:
        yield world


def place(at: datetime, key: str, *, sku: str = "TEA", customer: str = "u-1") -> str:
    """Stores an order; its id."""
    order, events = placed_order(customer=customer, key=key, at=at, sku=sku)
    OrderStore(boto3.client("dynamodb"), "OrdersTable").add(order, events)
    return order.order_id


def export(
    world: JobsWorld, first: str = "2026-11-01", last: str = "2026-11-30", file_format: str = "csv"
) -> dict[str, Any]:
    return world.request(
        {"kind": "order_export", "format": file_format, "from": first, "to": last}, key=f"{first}{last}"
    )


def rows(world: JobsWorld, job: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(world.file(job).decode(), newline="")))


def test_orders_are_exported_once_each_in_the_order_of_time_by_a_worker_that_dies(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They come in rushes, many in the same millisecond. The pages are small here; tests/system has large ones."""
    monkeypatch.setattr("orders.domain.export.PAGE_ORDERS", 20)
    ids = [
        place(FIRST + timedelta(days=number // 80, milliseconds=number % 7), str(number))
        for number in range(200)
    ]

    def die() -> None:
        raise Killed

    world.before("OrdersExportPageFunction", *[lambda: None] * 3, die, lambda: None, die)
    die_after_writing(monkeypatch, page=7)

    job = world.run(export(world))

    assert job["status"] == "succeeded"
    assert job["counts"] == {"orders": 200} and job["progress"]["done"] == 200
    exported = [(row["placed_at"], row["order_id"]) for row in rows(world, job)]
    assert sorted(order_id for _, order_id in exported) == sorted(ids)
    assert exported == sorted(exported)
    # One page after the tenth looks through what is left of the month; three ran twice.
    assert world.invocations["OrdersExportPageFunction"] == 10 + 3


def die_after_writing(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """The function's process ends when it has written that page, once."""
    writing, left = JobFiles.writing, [True]

    @contextmanager
    def dying(self: JobFiles, key: str, content_type: str) -> Iterator[Sink]:
        with writing(self, key, content_type) as file:
            yield file
        if key.endswith(f"{page:05}") and left:
            left.pop()
            raise Killed

    monkeypatch.setattr(JobFiles, "writing", dying)


def test_a_period_holds_its_first_and_its_last_day_and_no_other(world: JobsWorld) -> None:
    day = timedelta(days=1)
    moments = [
        FIRST - timedelta(milliseconds=1),
        FIRST,
        FIRST + day,
        FIRST + 3 * day - timedelta(milliseconds=1),
        FIRST + 3 * day,
    ]
    ids = [place(moment, str(number)) for number, moment in enumerate(moments)]

    job = world.run(export(world, "2026-11-01", "2026-11-03"))

    assert [row["order_id"] for row in rows(world, job)] == ids[1:4]


def test_a_quarter_with_hardly_an_order_is_exported_month_by_month(world: JobsWorld) -> None:
    ids = [place(FIRST, "a"), place(FIRST + timedelta(days=80), "b")]

    job = world.run(export(world, "2026-11-01", "2027-01-31"))

    assert [row["order_id"] for row in rows(world, job)] == ids
    assert world.invocations["OrdersExportPageFunction"] == 3


def test_a_period_without_orders_is_a_file_with_its_header_alone(world: JobsWorld) -> None:
    job = world.run(export(world))

    assert job["status"] == "succeeded" and job["counts"] == {"orders": 0}
    assert world.file(job).decode() == ",".join(COLUMNS) + "\r\n"


def test_a_day_of_exactly_one_page_loses_and_repeats_none(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at the same moment, so that the order's id decides where the page ends."""
    monkeypatch.setattr("orders.domain.export.PAGE_ORDERS", 20)
    ids = {place(FIRST, str(number)) for number in range(20)}
    ids |= {place(FIRST + timedelta(days=1), "next")}

    job = world.run(export(world, "2026-11-01", "2026-11-02"))

    exported = [row["order_id"] for row in rows(world, job)]
    assert len(exported) == len(ids) and set(exported) == ids
    assert world.invocations["OrdersExportPageFunction"] == 2


def test_a_cell_is_never_a_formula_and_names_no_person(world: JobsWorld) -> None:
    place(FIRST, "a", sku='=HYPERLINK("evil")', customer="=cmd|calc")

    text = world.file(world.run(export(world))).decode()

    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["customer_id"] == "'=cmd|calc"
    assert row["lines"] == '2 x =HYPERLINK("evil")'
    assert row["total_amount"] == "2070" and row["currency"] == "EUR"
    assert row["country"] == "DE"
    assert not any(personal in text for personal in ("Ada", "Main St", "10115", "pm_card"))


def without_country(order_id: str) -> None:
    """Makes the order one of release 0.7.0."""
    boto3.client("dynamodb").update_item(
        TableName="OrdersTable", Key={"pk": {"S": order_id}}, UpdateExpression="REMOVE country"
    )


def test_an_order_of_an_earlier_release_shows_its_country_once_it_was_added(world: JobsWorld) -> None:
    """Nobody may read an address for an export, so the country is there a second time."""
    order_id, newer = place(FIRST, "1"), place(FIRST, "2")
    without_country(order_id)
    shown = {row["order_id"]: row["country"] for row in rows(world, world.run(export(world)))}
    assert shown == {order_id: "", newer: "DE"}
    job = world.run(export(world, last="2026-11-29", file_format="jsonl"))
    lines = {line["order_id"]: line for line in map(json.loads, world.file(job).splitlines())}
    assert lines[order_id]["country"] is None

    orders = OrderStore(boto3.client("dynamodb"), "OrdersTable")
    before = orders.find(order_id)
    assert (orders.add_countries(), orders.add_countries()) == (1, 0)

    assert {row["country"] for row in rows(world, world.run(export(world, last="2026-11-28")))} == {"DE"}
    assert orders.find(order_id) == before


def test_an_order_that_changes_while_countries_are_added_has_its_country_from_the_change(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = place(FIRST, "1")
    without_country(order_id)
    orders = OrderStore(boto3.client("dynamodb"), "OrdersTable")
    add = OrderStore._add_country

    def change_first(store: OrderStore, item: dict[str, Any]) -> bool:
        orders.change(order_id, lambda order: order.confirm(FIRST))
        return add(store, item)

    monkeypatch.setattr(OrderStore, "_add_country", change_first)
    assert orders.add_countries() == 0
    assert [row["country"] for row in rows(world, world.run(export(world)))] == ["DE"]


def test_an_order_shows_the_pieces_and_the_money_of_all_its_returns(world: JobsWorld) -> None:
    order_id, kept = place(FIRST, "a"), place(FIRST, "b")
    orders = OrderStore(boto3.client("dynamodb"), "OrdersTable")
    for return_id, known in (("ret_1", {"pieces": 1, "refunded": 790}), ("ret_2", {"pieces": 1})):
        orders.change(order_id, lambda order, r=return_id, k=known: order.record_return(r, FIRST, **k))  # type: ignore[misc]

    shown = {
        row["order_id"]: (row["returned_pieces"], row["returns_refunded_amount"])
        for row in rows(world, world.run(export(world)))
    }
    assert shown == {order_id: ("2", "790"), kept: ("0", "0")}
    job = world.run(export(world, last="2026-11-29", file_format="jsonl"))
    lines = {line["order_id"]: line for line in map(json.loads, world.file(job).splitlines())}
    assert lines[order_id]["returned_pieces"] == 2
    assert lines[order_id]["returns_refunded"] == {"amount": 790, "currency": "EUR"}


def test_json_lines_hold_an_object_an_order(world: JobsWorld) -> None:
    order_id = place(FIRST, "a")

    text = world.file(world.run(export(world, file_format="jsonl"))).decode()

    [line] = text.splitlines()
    order = json.loads(line)
    assert order["order_id"] == order_id
    assert order["lines"] == [{"sku": "TEA", "quantity": 2, "unit_price": {"amount": 790, "currency": "EUR"}}]
    assert order["total"] == {"amount": 2070, "currency": "EUR"}


@pytest.fixture
def two_pages(monkeypatch: pytest.MonkeyPatch, world: JobsWorld) -> None:
    monkeypatch.setattr("orders.domain.export.PAGE_ORDERS", 2)
    for number in range(3):
        place(FIRST + timedelta(milliseconds=number), str(number))


@pytest.mark.usefixtures("two_pages")
def test_a_cancelled_export_stops_between_pages_and_has_no_file(world: JobsWorld) -> None:
    answer = export(world)
    job_id = json_body(answer)["job_id"]
    world.before("OrdersExportPageFunction", lambda: world.api("POST", f"/jobs/{job_id}/cancel"))

    job = world.run(answer)

    assert job["status"] == "cancelled"
    assert job["result"] is None
    assert world.invocations["OrdersExportPageFunction"] == 1


@pytest.mark.usefixtures("two_pages")
def test_an_export_of_too_many_orders_is_refused_in_words_before_its_first_page(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.domain.export.MAX_ORDERS", 2)

    job = world.run(export(world))

    assert job["status"] == "failed"
    assert job["failure"] == {
        "code": "export-too-large",
        "detail": "There are more than 2 orders in the period; export it in several parts.",
    }
    assert world.invocations["OrdersExportPageFunction"] == 1
    assert not [stored for stored in world.files() if stored.startswith("work/")]


@pytest.mark.usefixtures("two_pages")
def test_an_export_of_more_orders_has_no_more_pages_but_larger_ones(
    world: JobsWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number of steps is bounded, since the history of an execution is."""
    monkeypatch.setattr("orders.domain.export.FULL_PAGES", 3)
    ids = [place(FIRST + timedelta(days=1, milliseconds=number), f"more-{number}") for number in range(97)]

    job = world.run(export(world, "2026-11-01", "2026-11-10"))

    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 100, "total": 100}
    assert [row["order_id"] for row in rows(world, job)][3:] == ids
    assert world.invocations["OrdersExportPageFunction"] == 3
