"""Takes the pictures of the docs from the running system: `make screenshots` writes docs/images/*.png."""

import sys

from tests.browser.chromium import browser, executable
from tests.browser.conftest import NO_BROWSER
from tests.browser.shop_window import ShopWindow
from tools.settings import REPOSITORY
from tools.shop.client import Shop
from tools.stack import Stack

IMAGES = REPOSITORY / "docs" / "images"


def main() -> None:
    """Writes a picture of the shelves, and one of an order whose card was declined."""
    program = executable()
    if program is None:
        sys.exit(NO_BROWSER)
    stack = Stack.current()
    customer = Shop(stack).sign_up("Ada")
    IMAGES.mkdir(exist_ok=True)
    with browser(program) as page:
        window = ShopWindow(page, stack)
        page.prefer("light")
        window.open("#/orders")
        window.sign_in(customer)
        window.go("#/")
        window.wait("document.querySelectorAll('.tile').length > 7")
        page.resize(1080, 720)
        page.screenshot(IMAGES / "shop.png")
        window.order("Assam Second Flush, 100 g", card="pm_card_chargeDeclined")
        window.wait("document.querySelector('.step.failed') !== null", seconds=60)
        page.prefer("dark")
        page.resize(1080, 720)
        page.screenshot(IMAGES / "shop-order.png")


if __name__ == "__main__":
    main()
