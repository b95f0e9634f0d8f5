"""An operator's work on the board, in a real browser, against the running system.

With BOARD_PICTURES=<folder> the tests save what they see, at three widths, light and dark.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from tests.browser.chromium import Page, browser, executable
from tools.settings import REPOSITORY
from tools.shop.client import PASSWORD, Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (380, 800, 1400)
TEA = "TEA-ASSAM-100"
QUEUE = "InventoryCommit"


@pytest.fixture(scope="module")
def shop() -> Shop:
    """A client of the deployed API."""
    return Shop(Stack.current())


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """An operator."""
    return shop.admin()


@pytest.fixture(scope="module")
def customer(shop: Shop) -> Customer:
    """A customer, whose orders the operator sees."""
    return shop.sign_up("Board Customer")


@contextmanager
def new_tab() -> Iterator[Page]:
    """A tab of a new browser."""
    program = executable()
    if program is None:
        pytest.skip("There is neither Chromium nor Chrome: install one (Debian: apt-get install chromium).")
    with browser(program) as page:
        page.resize(1400, 1000)
        yield page


def sign_in(page: Page, shop: Shop, account: Customer) -> None:
    """Signs in on the board by address and password."""
    page.open(f"{shop.stack.api_url}/board")
    page.wait_until("document.querySelector('input[name=password]') !== null")
    page.type_into("input[name=email]", account.email)
    page.type_into("input[name=password]", PASSWORD)
    page.evaluate("document.querySelector('form').requestSubmit()")


@pytest.fixture(scope="module")
def signed_in(shop: Shop, admin: Customer) -> Iterator[Page]:
    """The board of a signed-in admin."""
    with new_tab() as page:
        sign_in(page, shop, admin)
        page.wait_until("document.querySelector('.flow, .empty') !== null")
        yield page


@pytest.fixture
def board(signed_in: Page) -> Iterator[Page]:
    """The same; the browser reports no error of a script, and no breach of a policy."""
    signed_in.complaints.clear()
    yield signed_in
    assert signed_in.complaints == []


def go(page: Page, place: str, until: str) -> None:
    page.evaluate(f"location.hash = {json.dumps('#/' + place)}")
    page.wait_until(until)


def has(_: Page, text: str) -> str:
    return f"document.querySelector('main').innerText.includes({json.dumps(text)})"


def press(page: Page, text: str, within: str = "main") -> None:
    """Presses the button with this text."""
    buttons = f"[...document.querySelectorAll({json.dumps(within + ' button')})]"
    page.wait_until(f"{buttons}.some(one => one.innerText === {json.dumps(text)})")
    button = f"{buttons}.find(one => one.innerText === {json.dumps(text)})"
    page.evaluate(f"{button}.focus()")
    page.evaluate(f"{button}.click()")


def look(page: Page, name: str) -> None:
    """Holds axe's rules and the widths against what the page shows, light and dark."""
    folder = os.environ.get("BOARD_PICTURES")
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        for width in WIDTHS:
            page.resize(width, 1000)
            page.wait_until(f"innerWidth === {width}")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide at {width}"
            if folder:
                page.screenshot(Path(folder) / f"{name}-{width}-{scheme}.png")
        if AXE.exists():
            page.evaluate(f"{AXE.read_text(encoding='utf-8')}; 0")
            found = page.evaluate(
                "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map("
                "each => `${each.id}: ${each.nodes.map(node => node.html.slice(0, 120)).join(' | ')}`))"
            )
            assert found == [], f"{name}, {scheme}"
    page.resize(1400, 1000)
    page.prefer("light")


def ticket(order_id: str) -> str:
    return f"document.querySelector('.ticket a[href$={json.dumps(order_id)}]')?.closest('.ticket')"


def test_an_order_flows_over_the_board_without_a_reload(board: Page, shop: Shop, customer: Customer) -> None:
    go(board, "orders", "document.querySelector('.flow, .empty') !== null")
    board.evaluate("window.sameDocument = true")

    order_id = shop.place(customer, {TEA: 1}).json()["order_id"]

    board.wait_until(f"{ticket(order_id)} !== undefined && {ticket(order_id)} !== null", seconds=15)
    board.wait_until(f"{ticket(order_id)}.dataset.status === 'fulfilled'", seconds=90)
    assert board.evaluate("window.sameDocument") is True
    look(board, "orders")


def test_an_orders_path_goes_through_all_services(board: Page, shop: Shop, customer: Customer) -> None:
    order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
    shop.become(customer, order_id, "fulfilled", seconds=120)
    go(board, f"orders/{order_id}", "document.querySelector('.facts') !== null")

    # The archive takes events by the minute.
    board.wait_until("document.querySelectorAll('.path li').length >= 6", seconds=120)

    path = board.evaluate("[...document.querySelectorAll('.path strong')].map(one => one.innerText)")
    expected = ["order.placed", "stock.reserved", "payment.authorized", "shipment.created", "order.confirmed"]
    assert [step for step in path if step in expected] == expected
    look(board, "order")


def test_a_dead_letter_is_seen_and_sent_again_once_the_operator_agrees(board: Page, shop: Shop) -> None:
    body = f"no event {uuid4().hex}"
    sqs, stack = shop.stack.client("sqs"), shop.stack
    url = stack.resource(f"{QUEUE}DeadLetterQueue")
    sqs.purge_queue(QueueUrl=url)
    reason = {"reason": {"DataType": "String", "StringValue": "UnknownVersion: version 99 is not known here"}}
    sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=reason)

    go(board, "dead-letters", has(board, QUEUE))
    look(board, "dead-letters")
    go(board, f"dead-letters/{QUEUE}", has(board, "version 99 is not known here"))
    look(board, "dead-letter")
    press(board, "Send again")
    board.wait_until("document.querySelector('dialog[open]') !== null")
    press(board, "Go back", "dialog")
    assert board.evaluate("document.querySelector('dialog[open]')") is None
    assert board.evaluate("document.activeElement.innerText") == "Send again"
    press(board, "Send again")
    press(board, "Send again", "dialog")

    board.wait_until(has(board, "Messages sent again: 1"))

    # No consumer can read it, so it is a dead letter again, with the consumer's own reason.
    def is_back() -> bool:
        found = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MessageAttributeNames=["All"])
        return any(
            message["Body"] == body and message["MessageAttributes"]["reason"] != reason["reason"]
            for message in found.get("Messages", [])
        )

    wait_for(is_back, "the letter to come back", seconds=60)
    sqs.purge_queue(QueueUrl=url)


def test_a_receipt_is_recorded_once_and_stands_in_the_ledger(
    board: Page, shop: Shop, admin: Customer
) -> None:
    go(board, "stock", has(board, TEA))
    look(board, "stock")
    go(board, f"stock/{TEA}", "document.querySelector('.facts .number') !== null")
    before = shop.request("GET", f"/inventory/{TEA}", token=admin.token).json()["on_hand"]
    reason = f"board {uuid4().hex}"

    board.type_into("input[name=quantity]", "7")
    board.type_into("input[name=reason]", reason)
    press(board, "Record")

    board.wait_until(has(board, reason))
    look(board, "ledger")
    after = shop.request("GET", f"/inventory/{TEA}", token=admin.token).json()["on_hand"]
    assert after - before == 7


def test_an_export_goes_on_to_its_end_and_has_a_file(board: Page) -> None:
    go(board, "jobs", "document.querySelector('input[name=from]') !== null")
    look(board, "jobs")
    press(board, "Start")

    board.wait_until("location.hash.startsWith('#/jobs/job_')")
    board.wait_until(has(board, "succeeded"), seconds=90)
    link = board.wait_until("document.querySelector('main a.button')?.href")
    assert "results/" in link
    look(board, "job")


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("attention", "Orders that need a hand"),
        ("products", TEA),
        (f"products/{TEA}", "Add a picture"),
        ("returns", "Waiting for"),
        ("books", "Recompute"),
        ("nowhere", "There is no such place"),
    ],
)
def test_each_place_is_whole(board: Page, place: str, text: str) -> None:
    go(board, place, has(board, text))
    look(board, place.replace("/", "-"))


def test_a_day_without_orders_says_so(board: Page) -> None:
    day = (datetime.now(UTC) - timedelta(days=400)).date().isoformat()
    go(board, f"orders?day={day}", has(board, "No order on this day yet."))
    look(board, "no-orders")


def test_an_order_that_there_is_not_is_said_so(board: Page) -> None:
    go(board, "orders/ord_" + "0" * 32, "document.querySelector('[role=alert]') !== null")
    assert board.evaluate(has(board, "There is nothing here"))
    # The browser logs each answer of 404 as an error.
    board.complaints[:] = [each for each in board.complaints if "404" not in each]


def test_a_customer_has_no_board(shop: Shop, customer: Customer) -> None:
    with new_tab() as page:
        page.open(f"{shop.stack.api_url}/board")
        page.wait_until("document.querySelector('input[name=password]') !== null")
        look(page, "sign-in")
        sign_in(page, shop, customer)
        page.wait_until(has(page, "No admin's account"))
        assert page.evaluate("document.querySelectorAll('nav a').length") == 0
        look(page, "no-admin")
        assert page.complaints == []
