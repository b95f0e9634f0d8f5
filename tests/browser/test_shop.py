"""The shop in a real browser, against the running system: a customer's way through it, and what disturbs it."""

import re
from collections.abc import Callable
from http import HTTPStatus

import pytest

from tests.browser.chromium import Page
from tests.browser.shop_window import ADDRESS, ShopWindow
from tools.api import CUSTOMERS_CLIENT
from tools.settings import REPOSITORY, STATE
from tools.shop.client import PASSWORD, Shop, made_up_address, made_up_name
from tools.shop.stage import TEA
from tools.shop.web_link import signed_in_link
from tools.stack import Stack

ASSAM, DARJEELING = "Assam Second Flush, 100 g", "Darjeeling First Flush, 100 g"
AXE = REPOSITORY / "node_modules" / "axe-core" / "axe.min.js"
VIOLATIONS = """
  axe.run(document).then(done => done.violations.map(each => [each.id, each.nodes.map(node => node.html)]))
"""
# Each socket that the page opens, and a switch that has all new ones fail as if the network were gone.
BREAKABLE_SOCKETS = """
  window.sockets = []; window.cut = false;
  const Real = WebSocket;
  window.WebSocket = class extends Real {
    constructor(url, protocols) {
      super(window.cut ? url.replace("/execute-api/", "/none/") : url, protocols);
      window.sockets.push(this);
    }
  };
"""


def test_a_customer_signs_up_orders_follows_the_order_and_returns_something(window: ShopWindow) -> None:
    email, name = made_up_address("window", "Ada"), made_up_name("Ada")
    window.open()
    window.click("Tea")
    window.sees("Earl Grey")
    window.wait(
        "document.querySelectorAll('.tile').length > 0 && !document.body.innerText.includes('Colombia')"
    )

    window.go("#/orders")
    window.click("Create an account", within="main")
    window.fill(name=name, email=email, password=PASSWORD)
    window.click("Create the account")
    window.click("Show the mail (embedded cloud)")
    mail = window.wait("document.querySelector('.mail-text')?.innerText")
    code = re.search(r"\b\d{6}\b", mail)
    assert code, mail
    window.fill(code=code[0])
    window.click("Confirm")
    window.sees("No orders yet.")

    order_id = window.order(ASSAM, DARJEELING)
    window.wait_for_step("confirmed", "done")
    window.wait_for_step("dispatched", "done")
    assert set(window.steps().values()) == {"done"}
    for text in ("Bill", "Shipping", "Tax in it", order_id, "On its way"):
        window.sees(text)

    window.click("Return something")
    window.page.evaluate("document.querySelector('.pieces').value = 1")
    window.click("Request the return")
    window.wait("document.querySelector('[data-return=requested]') !== null")

    window.go("#/account")
    window.wait(f"document.querySelector('[name=email]')?.value === '{email}'")
    window.sees("Mails")
    window.click("Close the account")
    window.click("Close it")
    window.sees("Forgotten the password?")
    # The service of returns answers 404 until it has received the event that the parcel has left.
    assert [each for each in window.page.complaints if "/returns" not in each] == []


def test_a_change_shows_without_a_reload_within_a_second(window: ShopWindow, shop: Shop) -> None:
    customer = shop.sign_up("Live")
    window.open("#/orders")
    window.sign_in(customer)
    window.wait("document.querySelector('.live.good') !== null")
    window.page.evaluate("""
      window.seen = {};
      new MutationObserver(() => {
        for (const { dataset } of document.querySelectorAll('.step')) {
          window.seen[dataset.step + ' ' + dataset.state] ??= Date.now();
        }
      }).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    """)
    order_id = window.order(ASSAM)
    window.wait_for_step("confirmed", "done")
    confirmed = next(
        each for each in shop.order(customer, order_id)["history"] if each["status"] == "confirmed"
    )
    delay = window.page.evaluate(f"window.seen['confirmed done'] - Date.parse('{confirmed['at']}')")
    assert delay < 1000, f"{delay} ms"
    assert window.page.evaluate("performance.getEntriesByType('navigation').length") == 1


@pytest.mark.parametrize(
    ("card", "country", "expected"),
    [
        ("pm_card_chargeDeclined", "DE", {"stock": "undone", "payment": "failed", "parcel": "todo"}),
        ("pm_card_visa", "AQ", {"stock": "undone", "payment": "undone", "parcel": "failed"}),
    ],
)
def test_a_failed_step_shows_with_the_compensations_of_those_before_it(
    window: ShopWindow, shop: Shop, card: str, country: str, expected: dict[str, str]
) -> None:
    window.open("#/orders")
    window.sign_in(shop.sign_up("Failed"))
    window.order(ASSAM, card=card, country=country)
    window.wait("document.querySelector('.step.failed') !== null", seconds=60)
    assert expected.items() <= window.steps().items()


def test_a_confirmed_order_can_be_cancelled_and_asks_first(window: ShopWindow, shop: Shop) -> None:
    customer = shop.sign_up("Cancel")
    window.open("#/orders")
    window.sign_in(customer)
    order_id = window.order(ASSAM)
    window.wait_for_step("confirmed", "done")
    window.click("Cancel the order", within="main > .actions, main")
    window.click("Go back")
    assert shop.order(customer, order_id)["status"] in {"confirmed", "fulfilled"}
    window.click("Cancel the order")
    window.click("Cancel the order", within="dialog")
    window.wait("document.querySelector('h1').innerText === 'Cancelled'", seconds=60)
    assert window.steps()["stock"] == "undone"


def test_the_keyboard_alone_is_enough_to_order(window: ShopWindow, shop: Shop) -> None:
    def tab_to(condition: str) -> None:
        for _ in range(120):
            window.page.press("Tab")
            if window.page.evaluate(f"(each => {condition})(document.activeElement)"):
                return
        raise AssertionError(f"Tab leads to nothing with: {condition}")

    window.open("#/orders")
    window.sign_in(shop.sign_up("Keys"))
    window.go("#/")
    window.wait("document.querySelectorAll('.tile').length > 0")
    tab_to(f"each.textContent === 'Add {ASSAM} to the basket'")
    assert window.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    window.page.press("Space")
    window.wait("document.querySelector('.count').innerText === '1'")
    window.page.evaluate("document.activeElement.blur()")
    tab_to("each.hash === '#/basket'")
    window.page.press("Enter")
    tab_to("each.hash === '#/checkout'")
    window.page.press("Enter")
    window.wait("document.querySelector('form.checkout') !== null")
    for name, text in ADDRESS.items():
        tab_to(f"each.name === '{name}'")
        window.page.type_into(f"[name={name}]", text)
    window.page.press("Enter")
    window.wait_for_step("placed", "done")
    tab_to("each.innerText === 'Cancel the order'")
    window.page.press("Enter")
    window.wait("document.querySelector('dialog[open]') !== null")
    window.page.press("Escape")
    window.wait("document.querySelector('dialog') === null")
    assert window.page.evaluate("document.activeElement.innerText") == "Cancel the order"


def test_a_lost_connection_comes_back_with_what_was_missed(window: ShopWindow, shop: Shop) -> None:
    customer = shop.sign_up("Lost")
    window.page.before_each_page(BREAKABLE_SOCKETS)
    window.open("#/orders")
    window.sign_in(customer)
    window.wait("document.querySelector('.live.good') !== null")
    placed = shop.place(customer, {TEA: 1}).json()
    window.wait("document.querySelectorAll('.order-row').length === 1")
    shop.settled(customer, placed["order_id"])
    window.sees("Confirmed")

    window.page.evaluate("window.cut = true; window.sockets.forEach(each => each.close())")
    window.sees("Connection lost")
    answer = shop.request("POST", f"/orders/{placed['order_id']}/cancel", token=customer.token)
    assert answer.status_code == HTTPStatus.ACCEPTED
    shop.become(customer, placed["order_id"], "cancelled")
    attempts = window.page.evaluate("window.sockets.length")
    assert "Cancelled" not in window.page.evaluate("document.querySelector('.orders').innerText")

    window.page.evaluate("window.cut = false")
    window.sees("Live")
    window.wait("document.querySelector('.orders').innerText.includes('Cancelled')")
    assert window.page.evaluate("window.sockets.length") > attempts


def test_an_expired_session_asks_to_sign_in_again_and_goes_on(
    window: ShopWindow, shop: Shop, stack: Stack
) -> None:
    customer = shop.sign_up("Expired")
    window.open("#/orders")
    window.sign_in(customer)
    window.sees("No orders yet.")
    stack.client("cognito-idp").admin_user_global_sign_out(
        UserPoolId=stack.resource("UserPool"), Username=customer.email
    )
    window.page.evaluate("window.now = Date.now; Date.now = () => window.now() + 3_600_000")

    window.go("#/account")
    window.sees("Please sign in again")
    window.page.evaluate("Date.now = window.now")
    window.fill(password=PASSWORD)
    window.click("Sign in", within="dialog")
    window.sees("Download my data")
    assert window.page.evaluate("location.hash") == "#/account"
    assert window.page.evaluate("document.querySelector('dialog')") is None


def test_anothers_order_looks_like_none(window: ShopWindow, shop: Shop) -> None:
    owner, other = shop.sign_up("Owner"), shop.sign_up("Other")
    order_id = shop.place(owner, {TEA: 1}).json()["order_id"]
    shown = []
    window.open(f"#/orders/{order_id}")
    window.sign_in(other)
    for place in (order_id, "ord_none"):
        window.go(f"#/orders/{place}")
        window.sees("Nothing here")
        window.sees("There is nothing here")
        shown.append(window.page.evaluate("document.querySelector('main').innerText"))
    assert shown[0] == shown[1]


def test_a_link_of_the_demo_signs_in_once_and_leaves_no_token_behind(
    window: ShopWindow, shop: Shop, stack: Stack
) -> None:
    customer = shop.sign_up("Link")
    window.page.open(signed_in_link(stack, "shop", customer.email, PASSWORD, client=CUSTOMERS_CLIENT))
    window.wait("document.querySelector('nav')?.innerText.includes('Account')")
    assert "session" not in window.page.evaluate("location.href")
    stored = "JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage), document.cookie])"
    window.order(ASSAM)
    window.wait_for_step("placed", "done")
    assert window.page.evaluate(stored) == '[[["basket","{}"]],[],""]'


def test_the_shop_speaks_german_in_a_german_browser(new_page: Callable[..., Page], stack: Stack) -> None:
    german = ShopWindow(new_page("de-AT"), stack)
    german.open()
    german.sees("Warenkorb")
    german.wait("document.querySelectorAll('.tile').length > 0")
    assert german.page.evaluate("document.documentElement.lang") == "de"
    assert "€\xa07,90" in german.page.evaluate("document.querySelector('.tile').innerText")


PLACES = [
    "#/",
    "#/category/tea?search=zzz",
    "#/products/TEA-ASSAM-100",
    "#/basket",
    "#/checkout",
    "#/orders",
    "#/account",
    "#/none",
]


def test_no_place_breaks_a_rule_of_accessibility_or_the_width_of_a_phone(
    window: ShopWindow, shop: Shop
) -> None:
    if not AXE.exists():
        pytest.skip("There is no axe-core: `npm ci` installs it.")
    customer = shop.sign_up("Axe " + "Longname" * 8)
    window.open("#/orders")
    window.sign_in(customer)
    window.page.evaluate(AXE.read_text())
    order_id = window.order(ASSAM)
    window.wait_for_step("confirmed", "done")
    window.go("#/")
    window.click(f"Add {ASSAM} to the basket")
    for place in [*PLACES, f"#/orders/{order_id}"]:
        window.go(place)
        window.wait("document.querySelector('main h1') && !document.querySelector('.loading')")
        for width, scheme in ((1280, "light"), (800, "dark"), (360, "light"), (360, "dark")):
            window.page.resize(width, 900)
            window.page.prefer(scheme)
            assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (place, width)
            found = window.page.evaluate(VIOLATIONS)
            assert found == [], (place, width, scheme)
    window.page.screenshot(STATE / "shop.png")
