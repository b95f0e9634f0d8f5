"""The sales projection and the weekly report against a pretended AWS."""

import csv
import importlib
import itertools
import json
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import boto3
import pytest

from reports.dependencies import report_versions, sales_projection
from reports.domain.week import NoSuchWeek, Week, WeekNotOver
from shared.aws import client
from shared.clock import timestamp, utc_now
from shared.dynamo import to_item
from shared.events import Event
from shared.versioned_table import WriteConflict
from tests.component.batches import example_events, failures
from tests.component.reports.account import Service
from tests.examples import example
from tests.order_placed import PLACED_V1

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
WEEK = Week(2026, 10)
EUR = {"currency": "EUR"}
_versions = itertools.count(1)


def event(event_type: str, aggregate_id: str, at: datetime, **data: Any) -> Event:
    version = next(_versions)
    return Event(
        event_id=f"{aggregate_id}:{version}:{event_type}",
        event_type=event_type,
        occurred_at=timestamp(at),
        aggregate_id=aggregate_id,
        aggregate_version=version,
        correlation_id="corr-1",
        data=data,
    )


def order(event_type: str, order_id: str, at: datetime, amount: int = 1_490, **more: Any) -> Event:
    lines = [{"sku": "TEA-ASSAM-100", "quantity": 1, "unit_price": EUR | {"amount": amount - 490}}]
    facts = {"order_id": order_id, "customer_id": "u-1", "lines": lines, "total": EUR | {"amount": amount}}
    made = event(event_type, order_id, at, **facts, **more)
    return made.model_copy(update={"event_version": 2}) if event_type == "order.placed" else made


def refund(order_id: str, at: datetime, amount: int = 1_490) -> Event:
    return event(
        "payment.refunded", f"pay-{order_id}", at, order_id=order_id, amount=EUR | {"amount": amount}
    )


def inspection(order_id: str, return_id: str, at: datetime, *, restocked: int, written_off: int) -> Event:
    sku = "TEA-ASSAM-100"
    return event(
        "return.inspected",
        f"returns-{order_id}-{return_id}",
        at,
        order_id=order_id,
        return_id=return_id,
        customer_id="u-1",
        lines=[{"sku": sku, "quantity": 9}],
        restocked=[{"sku": sku, "quantity": restocked}] if restocked else [],
        written_off=[{"sku": sku, "quantity": written_off}] if written_off else [],
        refund=EUR | {"amount": 1_000 * (restocked + written_off)},
    )


def return_refund(order_id: str, return_id: str, at: datetime, amount: int) -> Event:
    facts = {"order_id": order_id, "payment_id": f"pay-{order_id}", "return_id": return_id}
    money = {"amount": EUR | {"amount": amount}, "refunded": EUR | {"amount": 9_999}}
    return event("payment.return_refunded", f"pay-{order_id}-{return_id}", at, **facts, **money)


def product(sku: str, version: int, at: datetime, name: str, *, active: bool = True) -> Event:
    data = {"sku": sku, "name": name, "active": active, "version": version, "category": "tea"}
    changed = event("product.changed", sku, at, **data, price=EUR | {"amount": 100})
    return changed.model_copy(update={"aggregate_version": version})


def figures(service: Service, week: Week = WEEK) -> dict[tuple[str, ...], int]:
    """The numbers of a week's sheet, by section, key, measure and currency."""
    answer = service.report(week)
    sheet = service.file(answer["sheet_key"]).decode("utf-8-sig")
    return {
        tuple(row[name] for name in ("section", "key", "measure", "currency") if row[name]): int(row["value"])
        for row in csv.DictReader(StringIO(sheet, newline=""))
    }


def test_it_reads_one_event_of_every_type_in_its_subscription(service: Service):
    assert service.record_sales(*example_events("reports_record_sales.json")) == failures()
    assert {item.get("kind") for item in service.items("ReportsSalesTable")} == {
        "order.placed",
        "order.confirmed",
        "order.rejected",
        "order.cancelled",
        "order.fulfilled",
        "payment.refunded",
        "payment.return_refunded",
        "return.inspected",
        None,
    }


def test_both_versions_of_a_placed_order_are_the_same_fact(service: Service):
    [placed] = [e for e in example_events("reports_record_sales.json") if e.event_type == "order.placed"]
    assert service.record_sales(placed) == failures()
    before = service.items("ReportsSalesTable")

    assert service.record_sales(PLACED_V1) == failures()

    assert (placed.event_version, PLACED_V1.event_version) == (2, 1)
    assert service.items("ReportsSalesTable") == before
    assert [item["amount"]["amount"] for item in before] == [3369]


def test_no_personal_data_is_stored(service: Service):
    service.record_sales(*example_events("reports_record_sales.json"), PLACED_V1)

    kept = json.dumps(service.items("ReportsSalesTable"))
    for word in ("customer", "Ada", "Beispielweg", "pm_card", "address"):
        assert word not in kept


def test_the_report_does_not_depend_on_the_order_or_the_number_of_deliveries(service: Service):
    events = [
        order("order.placed", "ord_1", MONDAY),
        order("order.confirmed", "ord_1", MONDAY),
        order("order.placed", "ord_2", MONDAY),
        order("order.confirmed", "ord_2", MONDAY),
        order("order.cancelled", "ord_2", MONDAY + timedelta(days=1)),
        refund("ord_2", MONDAY + timedelta(days=1)),
        product("TEA-ASSAM-100", 2, MONDAY, "Assam"),
        product("TEA-ASSAM-100", 1, MONDAY - timedelta(hours=1), "Assam, misspelt"),
        event("stock.low", "TEA-ASSAM-100", MONDAY, sku="TEA-ASSAM-100", available=2, threshold=3),
    ]
    assert service.record_sales(*events) == failures()
    first = service.report(WEEK)
    page = service.file(first["page_key"])
    before = service.items("ReportsSalesTable")

    assert service.record_sales(*reversed(events), *events) == failures()

    assert service.items("ReportsSalesTable") == before
    again = service.report(WEEK)
    assert service.file(again["page_key"]) == page
    assert b"Assam<" in page and b"misspelt" not in page
    assert figures(service)["orders", "standing"] == 1
    assert figures(service)["money", "refunds", "EUR"] == 1_490


def test_returns_count_in_the_week_in_which_they_were_inspected_and_refunded(service: Service):
    tuesday, next_week = MONDAY + timedelta(days=1), MONDAY + timedelta(days=7)
    events = [
        inspection("ord_1", "ret_1", tuesday, restocked=2, written_off=1),
        inspection("ord_1", "ret_2", tuesday, restocked=1, written_off=0),
        inspection("ord_2", "ret_3", tuesday, restocked=0, written_off=0),
        return_refund("ord_1", "ret_1", tuesday, 3_000),
        return_refund("ord_1", "ret_2", next_week, 1_000),
        refund("ord_3", tuesday),
        product("TEA-ASSAM-100", 1, MONDAY, "Assam"),
    ]
    assert service.record_sales(*events, *events) == failures()

    seen = figures(service)

    assert (seen["money", "refunds", "EUR"], seen["orders", "refunded"]) == (3_000 + 1_490, 2)
    assert seen["returns", "TEA-ASSAM-100", "pieces"] == 4
    assert seen["orders", "standing"] == 0
    assert b"Returned pieces that were accepted" in service.file(service.report(WEEK)["page_key"])
    assert figures(service, Week(2026, 11))["money", "refunds", "EUR"] == 1_000


def test_a_week_without_returns_has_the_page_and_the_sheet_from_before_there_were_returns(service: Service):
    service.record_sales(order("order.placed", "ord_1", MONDAY))
    answer = service.report(WEEK)
    assert b"Return" not in service.file(answer["page_key"])
    assert b"returns" not in service.file(answer["sheet_key"])


def test_a_report_that_did_not_change_is_published_once(service: Service):
    service.record_sales(order("order.placed", "ord_1", MONDAY))
    first = service.report(WEEK)
    before = service.items("ReportsTable")

    again = service.report(WEEK)

    assert (first["changed"], again["changed"]) == (True, False)
    assert service.items("ReportsTable") == before
    (ready,) = service.outbox()
    assert (ready["event_id"], ready["data"]["week"]) == ("report-2026-W10:1:report.ready", "2026-W10")
    assert ready["data"]["page_url"] == (
        "https://eu-central-1.console.aws.amazon.com/s3/object/reports"
        "?region=eu-central-1&prefix=weekly%2F2026-W10%2Freport.html"
    )


def test_a_late_fact_makes_another_version_that_is_published_as_well(service: Service):
    service.report(WEEK)
    service.record_sales(order("order.placed", "ord_late", MONDAY))

    assert service.report(WEEK) == {
        "week": "2026-W10",
        "version": 2,
        "changed": True,
        "page_key": "weekly/2026-W10/report.html",
        "sheet_key": "weekly/2026-W10/report.csv",
    }
    assert [event["event_id"] for event in service.outbox()] == ["report-2026-W10:2:report.ready"]


def test_an_order_belongs_to_the_week_in_utc_in_which_it_happened(service: Service):
    last_moment = WEEK.end - timedelta(milliseconds=1)
    service.record_sales(
        order("order.confirmed", "ord_1", last_moment), order("order.confirmed", "ord_2", WEEK.end)
    )

    assert figures(service)["orders", "standing"] == 1
    assert figures(service, Week(2026, 11))["orders", "standing"] == 1
    assert figures(service)["day", "2026-03-08", "standing"] == 1


def test_an_order_cancelled_in_a_later_week_is_reversed_there_and_stays_in_its_own_week(service: Service):
    service.record_sales(order("order.confirmed", "ord_1", MONDAY))
    page = service.file(service.report(WEEK)["page_key"])

    service.record_sales(
        order("order.cancelled", "ord_1", WEEK.end),
        order("order.cancelled", "ord_never_confirmed", WEEK.end),
        order("order.confirmed", "ord_2", WEEK.end),
        order("order.cancelled", "ord_2", WEEK.end),
    )

    assert service.file(service.report(WEEK)["page_key"]) == page
    next_week = figures(service, Week(2026, 11))
    assert next_week["orders", "cancelled"] == 3
    assert next_week["orders", "reversed"] == 1
    assert next_week["money", "reversals", "EUR"] == 1_490
    assert ("money", "revenue", "EUR") not in next_week


def test_products_are_as_they_were_at_the_end_of_the_week(service: Service):
    service.record_sales(
        product("TEA-1", 1, MONDAY - timedelta(weeks=3), "Old name"),
        product("TEA-2", 1, MONDAY, "Soon retired"),
    )
    page = service.file(service.report(WEEK)["page_key"])
    assert b"Old name" in page and b"Soon retired" in page

    service.record_sales(
        product("TEA-1", 2, WEEK.end, "New name"),
        product("TEA-2", 2, WEEK.end, "Retired", active=False),
        product("TEA-3", 1, WEEK.end, "Of next week"),
    )

    assert service.file(service.report(WEEK)["page_key"]) == page
    next_page = service.file(service.report(Week(2026, 11))["page_key"])
    assert b"New name" in next_page and b"Of next week" in next_page and b"etired" not in next_page


def test_more_orders_than_one_answer_of_dynamodb_holds_are_all_counted(service: Service):
    item = {"kind": "order.placed", "occurred_at": "2026-03-02T08:00:00.000Z", "amount": EUR | {"amount": 1}}
    with_padding = item | {"reason": "x" * 20_000}
    for number in range(60):
        client("dynamodb").put_item(
            TableName="ReportsSalesTable",
            Item=to_item(
                {"pk": "2026-W10#3", "sk": f"ord_{number}#e", "order_id": f"ord_{number}", "event_id": "e"}
                | with_padding
            ),
        )
    assert len(list(sales_projection().facts_of(WEEK))) == 60


def test_a_week_without_orders_makes_a_page(service: Service):
    answer = service.report("2020-W01")

    assert b"No orders." in service.file(answer["page_key"])
    assert figures(service, Week(2020, 1))["orders", "placed"] == 0


def test_the_schedule_reports_on_the_week_before_its_own_time(service: Service):
    scheduled = example("reports_make_weekly_report.json")
    assert scheduled["time"] == "2026-11-16T09:00:00Z"
    assert service.make_weekly_report(scheduled)["week"] == "2026-W46"


def test_a_run_without_a_week_reports_on_the_last_one_that_is_over(service: Service):
    assert service.make_weekly_report({})["week"] == str(Week.before(utc_now()))


def test_a_week_that_is_not_over_is_refused_and_leaves_nothing(service: Service):
    with pytest.raises(WeekNotOver):
        service.report(Week.of(utc_now()))
    assert service.items("ReportsTable") == []


@pytest.mark.parametrize("week", ["last", "2026-W60", "9999-W52", "", 10])
def test_an_invalid_week_is_refused_with_an_explanation(service: Service, week: Any):
    with pytest.raises(NoSuchWeek, match=r"2026-W|no week"):
        service.make_weekly_report({"week": week})


def test_of_two_runs_at_once_one_publishes_the_report(service: Service, monkeypatch: pytest.MonkeyPatch):
    service.report(WEEK)
    service.record_sales(order("order.placed", "ord_1", MONDAY))
    stale = report_versions().find(WEEK)
    service.report(WEEK)

    monkeypatch.setattr(type(report_versions()), "find", lambda *_: stale)
    service.record_sales(order("order.placed", "ord_2", MONDAY))
    with pytest.raises(WriteConflict):
        service.report(WEEK)

    assert [event["event_id"] for event in service.outbox()] == ["report-2026-W10:2:report.ready"]


def test_an_event_without_the_needed_data_is_a_dead_letter_at_once(service: Service):
    broken = order("order.confirmed", "ord_1", MONDAY).model_copy(update={"data": {"order_id": "ord_1"}})
    assert service.record_sales(broken) == failures()
    letters = boto3.client("sqs").receive_message(QueueUrl=service.dlq_url)["Messages"]
    assert json.loads(letters[0]["Body"])["event_id"] == broken.event_id


def test_a_new_report_is_published_to_its_subscribers(subscriber: Any, lambda_context: Any):
    received = subscriber("report.ready")
    sys.modules.pop("reports.functions.relay", None)
    relay = importlib.import_module("reports.functions.relay")

    answer = relay.handler(example("reports_relay.json"), lambda_context)

    assert answer == {"batchItemFailures": []}
    assert [event["data"]["week"] for event in received()] == ["2026-W46"]
