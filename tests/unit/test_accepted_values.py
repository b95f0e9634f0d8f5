"""Every value that a request may have passes: its event keeps its own schema, and each consumer reads that event."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from catalog.domain.product import Product, ProductDetails
from inventory.domain.stock import StockLevel, low_stock
from inventory.functions.views import ThresholdRequest
from jobs.domain.job import Job
from jobs.domain.requests import AnyRequest, OrderExport, ProductImport, WeeklyReport
from live.domain.feed import change_in
from notifications.adapters.templates import Templates
from notifications.domain.layout import render_mail
from notifications.domain.letters import letter_about
from notifications.domain.notifications import NOTIFICATIONS, notification_about
from notifications.domain.recipients import Address
from orders.domain.order import Order
from orders.domain.order_request import OrderRequest
from orders.domain.pricing import Price
from orders.domain.saga_form import for_saga
from orders.domain.status import Canceller, RejectionReason
from reports.adapters.page_template import read_page_template
from reports.domain.facts import Fact, Kind, LowStock, ProductVersion
from reports.domain.figures import figures_of
from reports.domain.page import page_of
from reports.domain.report import Report
from reports.domain.sheet import sheet_of
from reports.domain.week import NoSuchWeek, Week
from shared.events import Event
from shared.money import Money
from tests.unit.generated import accepted
from tools.contracts.events.contracts import contracts
from users.domain.profile import Profile, ProfileChange, SignUp

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
thoroughly = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@cache
def schemas() -> dict[tuple[str, int], Draft202012Validator]:
    return {
        (contract.event_type, contract.payload.event_version): Draft202012Validator(contract.schema())
        for contract in contracts()
    }


def all_read(events: list[Event]) -> None:
    """Fails if an event breaks its own schema, or if a consumer that shows or counts it cannot read it."""
    assert events
    for event in events:
        schemas()[event.event_type, event.event_version].validate(event.model_dump())
        if event.event_type in NOTIFICATIONS:
            for language in ("en", "de"):
                letter = letter_about(notification_about(event), "Ada", Templates().wording_for(language))
                render_mail(letter, Templates().layout)
        if event.event_type in set(Kind):
            Fact.from_event(event)
        if event.event_type.startswith("order.") and event.event_type != "order.fulfilment_requested":
            change_in(event)


@thoroughly
@given(request=accepted(OrderRequest), price=accepted(Money).filter(lambda price: 0 < price.amount <= 10**9))
def test_every_order_that_is_accepted_can_be_told_to_all(request: OrderRequest, price: Money) -> None:
    in_euro = Money(amount=price.amount, currency="EUR")
    prices = {line.sku: Price(sku=line.sku, price=in_euro, active=True, version=1) for line in request.lines}
    if len(prices) < len(request.lines):
        return
    order, placed = Order.place(
        request, prices, customer_id="ada", idempotency_key="k", correlation_id="c", now=NOW
    )
    for_saga(order)
    abandoned, given_up = order.abandon(RejectionReason.OUT_OF_STOCK, NOW)
    rejected = abandoned.cancel(NOW)[1]
    confirmed, told = order.confirm(NOW)
    cancelling, requested = confirmed.request_cancellation(Canceller.CUSTOMER, NOW)
    cancelled = cancelling.cancel(NOW)[1]
    fulfilled = confirmed.record_capture(4, NOW)[0].record_dispatch("PARCEL1", NOW)[1]
    all_read([*placed, *given_up, *rejected, *told, *requested, *cancelled, *fulfilled])


@thoroughly
@given(details=accepted(ProductDetails))
def test_every_product_that_is_accepted_can_be_told_to_all(details: ProductDetails) -> None:
    product, [event] = Product.introduce(details, correlation_id="c", now=NOW)

    all_read([event])
    ProductVersion.model_validate(event.data)
    Price(sku=product.sku, price=Money.model_validate(event.data["price"]), active=True, version=1)


@thoroughly
@given(sign_up=accepted(SignUp), change=accepted(ProfileChange))
def test_every_name_and_address_that_is_accepted_can_be_told_to_all(
    sign_up: SignUp, change: ProfileChange
) -> None:
    profile, registered = Profile.register(
        "ada",
        email=sign_up.email,
        name=sign_up.name,
        locale=sign_up.locale,
        correlation_id="c",
        now=NOW,
    )
    _, changed = profile.change(change, correlation_id="c", now=NOW)
    all_read([*registered, *changed] if changed else registered)
    for event in (*registered, *changed):
        Address.from_event(event)


@thoroughly
@given(
    details=accepted(ProductDetails),
    threshold=accepted(ThresholdRequest),
    pieces=st.integers(0, 10**6),
)
def test_every_threshold_that_is_accepted_can_be_told_to_all(
    details: ProductDetails, threshold: ThresholdRequest, pieces: int
) -> None:
    low = threshold.low_stock_threshold
    level = StockLevel(
        sku=details.sku,
        available=low + 1,
        reserved=0,
        low_stock_threshold=low,
        version=1,
        changed_at=NOW,
        correlation_id="c",
    )
    [event] = low_stock(level, level.model_copy(update={"available": min(pieces, low), "version": 2}))

    all_read([event])
    LowStock.model_validate(event.data)


@thoroughly
@given(request=st.one_of(accepted(OrderExport), accepted(ProductImport)))
def test_every_job_that_is_accepted_can_be_told_to_all(request: AnyRequest) -> None:
    all_read(_requested(request))


def report_of(week: Week) -> Report:
    figures = figures_of(week, [], [], [], lambda _: False)
    return Report.of(week, page_of(figures, read_page_template()), sheet_of(figures), None)


@thoroughly
@given(request=accepted(WeeklyReport))
@example(request=WeeklyReport.model_validate({"kind": "weekly_report", "week": "0001-W01"}))
@example(request=WeeklyReport.model_validate({"kind": "weekly_report", "week": "0999-W01"}))
def test_every_week_that_is_accepted_is_reported_under_its_name(request: WeeklyReport) -> None:
    week = Week.named(request.week)
    assert str(week) == request.week
    if week.end > NOW:
        return
    report = report_of(week)
    ready = report.ready("https://page", "https://sheet", correlation_id="c", now=NOW)

    all_read([*_requested(request), ready])
    assert ready.data["week"] == request.week
    assert report.page_key == f"weekly/{request.week}/report.html"


@pytest.mark.parametrize("name", ["9999-W52", "0000-W01", "2026-W54", "999-W01", "2026-W1"])
def test_a_week_that_the_calendar_lacks_is_refused_by_both_services(name: str) -> None:
    with pytest.raises(NoSuchWeek):
        Week.named(name)
    with pytest.raises(ValueError, match="week"):
        WeeklyReport.model_validate({"kind": "weekly_report", "week": name})


def _requested(request: Any) -> list[Event]:
    _, events = Job.create(request, requested_by="olga", idempotency_key="k", correlation_id="c", now=NOW)
    return events
