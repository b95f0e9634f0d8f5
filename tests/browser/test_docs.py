"""The API's reference in a real browser, against the running system: read it, sign in, and call an operation."""

import json
from typing import Any

from tests.browser.chromium import Page
from tools.settings import STATE
from tools.shop.client import Shop

OPERATION = "#operations-users-read_own_profile"


def click(page: Page, selector: str) -> None:
    """Clicks what the selector finds, once it is there."""
    page.wait_until(f"document.querySelector({json.dumps(selector)}) !== null")
    page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def text_of(page: Page, selector: str) -> Any:
    """The text of what the selector finds, once it has any."""
    return page.wait_until(f"document.querySelector({json.dumps(selector)})?.innerText")


def execute_operation(page: Page) -> str:
    """Has the page call `GET /users/me`; the status that it shows."""
    click(page, f"{OPERATION} .execute")
    return str(text_of(page, f"{OPERATION} .live-responses-table tr.response .response-col_status")).split()[
        0
    ]


def test_the_reference_lists_every_operation_and_calls_one_with_a_token(page: Page, shop: Shop) -> None:
    customer = shop.sign_up("Browser Example")
    operations = shop.request("GET", "/openapi.json").json()["paths"]

    page.open(f"{shop.stack.api_url}/docs")
    page.wait_until("document.querySelectorAll('.opblock').length > 0")
    assert page.evaluate("document.title") == "Cartwright API"
    assert page.evaluate("document.querySelectorAll('.opblock').length") == sum(map(len, operations.values()))

    click(page, f"{OPERATION} .opblock-summary-control")
    assert execute_operation(page) == "401"

    click(page, ".btn.authorize")
    page.wait_until("document.querySelector('.auth-container input') !== null")
    page.type_into(".auth-container input", customer.token)
    click(page, ".auth-btn-wrapper .authorize")
    click(page, ".auth-btn-wrapper .btn-done")
    click(page, f"{OPERATION} .btn-clear")
    assert execute_operation(page) == "200"
    assert customer.email in text_of(
        page, f"{OPERATION} .live-responses-table tr.response .response-col_description"
    )

    page.evaluate(f"document.querySelector({json.dumps(OPERATION)}).scrollIntoView()")
    page.screenshot(STATE / "docs.png")
    # The 401 of above is an error to the browser; there is to be no other.
    assert [complaint for complaint in page.complaints if "401" not in complaint] == []
