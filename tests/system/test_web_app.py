"""The web app on the deployed stack: its page and files over HTTP, and an order in a browser where one is installed."""

import re
from urllib.parse import urljoin

import pytest

from tests.browser.chromium import browser, executable
from tests.browser.conftest import NO_BROWSER
from tests.browser.shop_window import ShopWindow
from tools.shop.client import Customer, Shop


def test_the_shop_is_served_whole_and_its_files_may_be_kept(shop: Shop) -> None:
    page = shop.request("GET", "/shop")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "unsafe" not in policy and "*" not in policy
    assert urljoin(shop.stack.live_url, "/").rstrip("/") in policy

    parts = re.findall(r'(?:href|src)="(web/[^"]+)"', page.text)
    assert any(part.endswith("/shop/page.js") for part in parts)
    for part in parts:
        answer = shop.request("GET", f"/{part}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (
            200,
            "public, max-age=31536000, immutable",
        )
    assert shop.request("GET", "/web/any/shop/page.html").status_code == 404


def test_a_customer_orders_in_a_browser_and_sees_it_confirmed(shop: Shop, customer: Customer) -> None:
    program = executable()
    if program is None:
        pytest.skip(NO_BROWSER)
    with browser(program) as page:
        window = ShopWindow(page, shop.stack)
        window.open("#/orders")
        window.sign_in(customer)
        order_id = window.order("Assam Second Flush, 100 g")
        window.wait_for_step("confirmed", "done")
        assert page.complaints == []
    assert shop.order(customer, order_id)["status"] in {"confirmed", "fulfilled"}
