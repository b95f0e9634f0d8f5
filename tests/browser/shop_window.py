"""The shop in a browser, as a customer uses it: by what they see, click, type and press."""

import json
from typing import Any

from tests.browser.chromium import Page
from tools.shop.client import PASSWORD, Customer, address
from tools.shop.web_link import page_url
from tools.stack import Stack

ADDRESS = {name: text for name, text in address().items() if name in {"line1", "postal_code", "city"}}


class ShopWindow:
    """A tab with the shop in it."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self._url = page_url(stack, "shop")

    def open(self, place: str = "#/") -> None:
        """Opens the shop at a place, and waits until it is there."""
        self.page.open(self._url + place)
        self.wait("location.href.startsWith('http') && document.querySelector('main h1, main form') !== null")

    def go(self, place: str) -> None:
        """Follows a link to a place in the page, which goes on running."""
        self.page.evaluate(f"void (location.hash = {json.dumps(place)})")

    def wait(self, condition: str, *, seconds: float = 30) -> Any:
        """What the expression gives once it is true; raises NotInTime."""
        return self.page.wait_until(condition, seconds=seconds)

    def sees(self, text: str, *, seconds: float = 30) -> None:
        """Waits until the page shows the text; raises NotInTime."""
        self.wait(f"document.body.innerText.includes({json.dumps(text)})", seconds=seconds)

    def click(self, text: str, *, within: str = "body") -> None:
        """Clicks the button or link with this text or name, once there is one; raises NotInTime."""
        found = (
            f"[...document.querySelector({json.dumps(within)})?.querySelectorAll('button, a, summary') ?? []]"
            f".find(each => each.textContent.trim() === {json.dumps(text)})"
        )
        self.wait(f"({found}) !== undefined")
        self.page.evaluate(f"({found}).click()")

    def fill(self, **fields: str) -> None:
        """Types into the fields of these names, once they are there; raises NotInTime."""
        for name, text in fields.items():
            selector = f"[name={name}]"
            self.wait(f"document.querySelector({json.dumps(selector)}) !== null")
            self.page.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
            self.page.type_into(selector, text)

    def sign_in(self, customer: Customer) -> None:
        """Signs in with the form that the place shows; raises NotInTime."""
        self.fill(email=customer.email, password=PASSWORD)
        self.click("Sign in", within="main")
        self.wait("document.querySelector('nav').innerText.includes('Account')")

    def order(self, *products: str, card: str = "pm_card_visa", country: str = "DE") -> str:
        """Puts a piece of each product into the basket, and orders; returns the order's id. Raises NotInTime."""
        for product in products:
            self.go("#/")
            self.click(f"Add {product} to the basket")
        self.go("#/checkout")
        self.fill(**ADDRESS)
        self.page.evaluate(f"document.querySelector('[value={card}]').click()")
        self.page.evaluate(f"document.querySelector('[name=country]').value = {json.dumps(country)}")
        self.click("Place the order")
        return str(self.wait("location.hash.match(/^#.orders.(ord_.+)/)?.[1]"))

    def steps(self) -> dict[str, str]:
        """The state of each step of the order that the page shows."""
        shown = self.page.evaluate(
            "[...document.querySelectorAll('.step')].map(step => [step.dataset.step, step.dataset.state])"
        )
        return dict(shown)

    def wait_for_step(self, step: str, state: str, *, seconds: float = 60) -> None:
        """Waits until a step of the order is in that state; raises NotInTime."""
        self.wait(
            f"document.querySelector('[data-step={step}][data-state={state}]') !== null", seconds=seconds
        )
