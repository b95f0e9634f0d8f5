"""The load: its page shows what customers saw, its books find what is lost or came twice, and it keeps to bounds."""

from copy import deepcopy
from typing import Any

import pytest

from benchmarks.load import __main__ as command
from benchmarks.load.books import Books, books_of
from benchmarks.load.page import page, percentile, routes, summary, verdict
from benchmarks.load.plan import Happened, Plan
from tools.console import StepError
from tools.shop.audit import Findings, OrderRecords
from tools.stack import Stack

PLAN = Plan(
    api_url="http://127.0.0.1:1/api",
    sign_in_url="http://127.0.0.1:1/",
    customers_client="customers",
    admins_client="admins",
    customers=["ada@example.com"],
    admin="admin@example.com",
    password="Aa1-secret",
    shipping_address={"country": "DE"},
    products=["TEA"],
    sale_sku="RARE",
    sale_after=5.0,
    seconds=10.0,
)
CONFIRMED = [
    {"status": "placed", "at": "2026-11-30T10:00:00.000Z"},
    {"status": "confirmed", "at": "2026-11-30T10:00:01.500Z"},
]


def order(order_id: str, status: str = "confirmed", **records: Any) -> dict[str, OrderRecords]:
    item = {"order_id": order_id, "customer_id": "ada", "status": status, "history": deepcopy(CONFIRMED)}
    item |= records.pop("order", {})
    parts = dict.fromkeys(("reservation", "payment", "shipment", "shown_mails"))
    return {order_id: OrderRecords(order=item, **{**parts, "intents": [{"status": "succeeded"}], **records})}


def happened(**other: Any) -> Happened:
    return Happened(
        **{"customers": ["ada"], "accepted": ["ord_1", "ord_2"], "of_the_sale": ["ord_2"], **other}
    )


def audited(
    orders: dict[str, OrderRecords], *violations: str, rare: int = 0, seen: Happened | None = None
) -> Books:
    found = Findings(violations=list(violations))
    return books_of(PLAN, seen or happened(), orders, {"TEA": 7, "RARE": rare, "OTHER": -1}, found)


BALANCED = order("ord_1") | order("ord_2", "rejected", intents=[], order={"history": CONFIRMED[:1]})


def test_books_balance_if_the_shop_kept_and_decided_each_order_that_it_accepted() -> None:
    books = audited(BALANCED, "OTHER: oversold by 1", "ord_9 (confirmed): there is no parcel")
    assert books.balance
    assert books.statuses == {"confirmed": 1, "rejected": 1}
    assert books.of_the_sale == {"rejected": 1}
    assert books.seconds_to_confirmed == [1.5]
    assert verdict(books) == "0 oversold, 0 lost, 0 charged twice, 0 never sent, 0 other contradictions."


@pytest.mark.parametrize(
    ("books", "finding"),
    [
        (audited(order("ord_1")), "lost: ord_2 is gone"),
        (audited(BALANCED | order("ord_1", "placed")), "lost: ord_1 is still placed"),
        (audited(BALANCED, rare=-2), "oversold: RARE: -2"),
        (
            audited(
                BALANCED | order("ord_1", intents=[{"status": "succeeded"}, {"status": "requires_capture"}])
            ),
            "charged twice: ord_1",
        ),
        (audited(BALANCED | order("ord_3"), seen=happened(uncertain=0)), "never sent: ord_3"),
        (
            audited(BALANCED, "ord_1 (confirmed): there is no parcel"),
            "other contradictions: ord_1 (confirmed): there is no parcel",
        ),
        (audited(BALANCED, "TEA: 3 reserved"), "other contradictions: TEA: 3 reserved"),
    ],
)
def test_books_find_each_loss_and_each_effect_that_came_twice(books: Books, finding: str) -> None:
    assert not books.balance
    assert f"- {finding}" in verdict(books).splitlines()


def test_a_payment_that_was_given_back_charges_nobody() -> None:
    voided = [{"status": "canceled"}, {"status": "succeeded"}]
    assert audited(BALANCED | order("ord_1", intents=voided)).charged_twice == []


def test_an_order_whose_answer_got_lost_may_be_there() -> None:
    assert audited(BALANCED | order("ord_3"), seen=happened(uncertain=1)).balance


def test_an_order_of_somebody_else_is_no_concern() -> None:
    assert audited(BALANCED | order("ord_9", "placed", order={"customer_id": "eve"})).balance


def test_the_page_counts_throttles_apart_from_answers_and_failures() -> None:
    seen = happened(
        seconds=10.0,
        samples=[
            *(("GET /products", 200, float(number)) for number in range(1, 101)),
            ("GET /products", 429, 900.0),
            ("GET /products", 503, 900.0),
            ("GET /products", 500, 900.0),
            ("GET /products", 0, 900.0),
            ("POST /orders/{order_id}/cancel", 409, 8.0),
            ("POST /inventory/{sku}/movements", 409, 8.0),
        ],
    )
    rows = routes(seen).splitlines()
    assert "| `GET /products` | 104 | 50 | 95 | 99 | 100 | 1 | 1 | 2 |" in rows
    assert "| `POST /orders/{order_id}/cancel` | 1 | 8 | 8 | 8 | 8 | 0 | 0 | 0 |" in rows
    assert "| `POST /inventory/{sku}/movements` | 1 |  |  |  |  | 0 | 0 | 1 |" in rows
    assert "- 106 requests, 10.6 a second; 95 % of them within 95 ms" in summary(seen, Books())
    whole = page("Load", "2 cores", PLAN, seen, audited(BALANCED))
    assert "- confirmed after 1.5 s (median), 95 % within 1.5 s" in whole
    assert "| `GET /products` | no answer | 1 |" in whole
    assert "The sale of `RARE` began after 5 s: 1 customers ordered one piece at once." in whole


def test_the_page_of_a_load_without_answers_can_be_read() -> None:
    assert "none was answered" in page(
        "Load", "2 cores", PLAN, Happened(seconds=1.0, samples=[("GET /x", 0, 9.0)]), Books()
    )


@pytest.mark.parametrize(("hundredths", "value"), [(50, 2), (51, 3), (95, 4), (100, 4), (0, 1)])
def test_a_percentile_is_a_measured_value(hundredths: int, value: float) -> None:
    assert percentile([4, 1, 3, 2], hundredths) == value


def test_plan_and_result_arrive_as_they_were() -> None:
    seen = happened(samples=[("GET /products", 200, 1.5)])
    assert Plan.from_json(PLAN.to_json()) == PLAN
    assert Happened.from_json(seen.to_json()) == seen


@pytest.mark.parametrize(
    "arguments",
    [("--users", "0"), ("--users", "201"), ("--minutes", "0"), ("--minutes", "15.1"), ("--minutes", "nan")],
)
def test_users_and_minutes_have_bounds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]
) -> None:
    monkeypatch.setattr("sys.argv", ["load", *arguments])
    monkeypatch.setattr(Stack, "named", lambda *_: pytest.fail("the load would begin"))
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert f"argument {arguments[0]}: '{arguments[1]}' is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Stage": "prod"}, "is for production"),
        ({"PaymentProviderUrl": "https://api.stripe.com"}, "has a payment provider"),
    ],
)
def test_a_stack_with_real_customers_or_real_money_gets_no_load(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    parameters: dict[str, str],
    reason: str,
) -> None:
    stack = Stack("", "shop", "eu-central-1", is_embedded=False)
    stack.__dict__["parameters"] = parameters
    monkeypatch.setattr(Stack, "named", lambda *_: stack)
    monkeypatch.setattr(command, "load", lambda *_, **__: pytest.fail("the load would begin"))
    monkeypatch.setattr("sys.argv", ["load"])
    assert command.main() == 1
    assert reason in capsys.readouterr().err


def test_a_load_that_could_not_begin_says_where_its_log_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_LOCUST", "/bin/false")
    with pytest.raises(StepError, match="exit code 1") as failed:
        command._simulated(Stack("http://127.0.0.1:1"), PLAN)
    assert failed.value.log == command._OUTPUT / "locust.log"
