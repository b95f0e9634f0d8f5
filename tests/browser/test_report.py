"""The weekly report in a real browser: made by the running system, loaded from its bucket, read at any width."""

import json
from datetime import timedelta
from uuid import uuid4

from reports.domain.facts import Kind
from reports.domain.week import Week
from shared.clock import timestamp
from shared.events import Event
from tests.browser.chromium import Page
from tools.settings import STATE
from tools.shop.audit import Auditor
from tools.stack import Stack
from tools.waiting import wait_for

# Every text of a chart lies within it, and no two lie on one another.
TEXTS_FIT = """
[...document.querySelectorAll('svg')].every(svg => {
  const frame = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect());
  const inside = box => box.left >= frame.left - 1 && box.right <= frame.right + 1
    && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 2 || b.bottom <= a.top + 2;
  return boxes.every(inside) && boxes.every((a, i) => boxes.slice(i + 1).every(b => apart(a, b)));
})
"""
# The contrast of what is drawn and written with the page's background (WCAG 2.2, 1.4.3 and 1.4.11).
LEAST_CONTRAST = """
(() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map(value => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const contrast = color => {
    const [more, less] = [light(color), paper].sort((a, b) => b - a);
    return (more + 0.05) / (less + 0.05);
  };
  const texts = [...document.querySelectorAll('body, dd span, caption, .period, .note, footer')];
  const bars = [...document.querySelectorAll('.bar')];
  return Math.min(...texts.map(each => contrast(getComputedStyle(each).color)),
    ...bars.map(each => contrast(getComputedStyle(each).stroke)));
})()
"""


def sell(stack: Stack, week: Week) -> None:
    """A week of orders of every outcome, in two currencies, sent to the sales projection alone."""
    skus = ["TEA-ASSAM-100", "TEA-DARJ-100", "TEA-EARL-100", "COF-HOUSE-500", "NO-SUCH-SKU"]
    numbers = range(40)
    run = uuid4().hex
    reasons = ["out_of_stock", "payment_declined", "payment_declined", "address_not_served"]
    for number in numbers:
        order_id, currency = f"ord_{run}{number}", "EUR" if number % 4 else "CHF"
        moment = week.end - timedelta(days=number % 7, minutes=1 + number)
        amount, pieces = 99_900 + number, 1 + number % 3
        price = {"amount": amount, "currency": currency}
        facts = {
            "order_id": order_id,
            "lines": [{"sku": skus[number % len(skus)], "quantity": pieces, "unit_price": price}],
            "total": {"amount": amount * pieces, "currency": currency},
            "reason": reasons[number % len(reasons)],
        }
        outcome = Kind.REJECTED if number % 5 == 3 else Kind.CONFIRMED
        for kind, data in ((Kind.PLACED, {"order": facts}), (outcome, facts)):
            event = Event(
                event_id=f"{order_id}:1:{kind}",
                event_type=kind.value,
                aggregate_id=order_id,
                aggregate_version=1,
                occurred_at=timestamp(moment),
                correlation_id="test",
                data=data,
            )
            stack.client("sqs").send_message(
                QueueUrl=stack.resource("ReportsRecordSalesQueue"), MessageBody=event.model_dump_json()
            )
    wait_for(
        lambda: (
            sum(run in item.get("order_id", "") for item in Auditor(stack).table("ReportsSalesTable"))
            == 2 * len(numbers)
        ),
        "the sales",
        seconds=60,
    )


def link_to_report(stack: Stack, week: Week) -> str:
    """Where a browser loads the report that the system makes of `week`."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.resource("ReportsMakeWeeklyReportFunction"),
        Payload=json.dumps({"week": str(week)}).encode(),
    )
    target = {
        "Bucket": stack.resource("ReportsBucket"),
        "Key": json.loads(answer["Payload"].read())["page_key"],
    }
    link: str = stack.client("s3").generate_presigned_url("get_object", Params=target, ExpiresIn=60)
    return link


def test_a_weeks_report_can_be_read_at_any_width_and_in_both_colour_schemes(page: Page, stack: Stack) -> None:
    week = Week(1970 + uuid4().int % 50, 1 + uuid4().int % 52)
    sell(stack, week)

    page.open(link_to_report(stack, week))
    page.wait_until(f"document.title === 'Cartwright: week {week}'")

    # Orders, revenue in two currencies, rejections, best sellers; slow movers sold nothing, so they need none.
    assert page.evaluate("document.querySelectorAll('svg').length") == 5
    assert page.evaluate("document.characterSet") == "UTF-8"
    for width in (1280, 1000, 640, 320):
        page.resize(width, 1400)
        assert page.evaluate(TEXTS_FIT), width
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.resize(1280, 2600)
    for scheme in ("dark", "light"):
        page.prefer(scheme)
        assert page.evaluate(LEAST_CONTRAST) >= 4.5, scheme
    page.screenshot(STATE / "report.png")
    assert page.complaints == []


def test_a_week_without_orders_is_a_page_as_well(page: Page, stack: Stack) -> None:
    page.open(link_to_report(stack, Week(1969, 1)))
    page.wait_until("document.title === 'Cartwright: week 1969-W01'")

    assert "No orders." in page.evaluate("document.body.innerText")
    page.resize(320, 1400)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.complaints == []


def test_the_checks_of_this_module_see_what_is_wrong(page: Page, stack: Stack) -> None:
    page.open(link_to_report(stack, Week(1969, 1)))
    page.wait_until("document.title === 'Cartwright: week 1969-W01'")
    page.evaluate(
        "document.body.innerHTML = '<svg width=100><text x=0 y=20>ab</text><text x=2 y=20>c</text></svg>'"
    )
    assert not page.evaluate(TEXTS_FIT)
    page.evaluate("document.body.innerHTML = '<p class=note style=\"color: #ccc\">a</p>'")
    page.evaluate("document.body.style.background = '#fff'")
    assert page.evaluate(LEAST_CONTRAST) < 4.5
