"""The running stack, and a tab of a browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.browser.chromium import Page, browser, executable
from tests.browser.shop_window import ShopWindow
from tools.shop.client import Shop
from tools.stack import Stack

NO_BROWSER = "There is neither Chromium nor Chrome: install one (Debian: apt-get install chromium)."


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack."""
    return Stack.current()


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Shop:
    """A client of the deployed API."""
    return Shop(stack)


@pytest.fixture
def new_page() -> Iterator[Callable[..., Page]]:
    """Makes a tab of a new browser, whose reader has the given language."""
    program = executable()
    if program is None:
        pytest.skip(NO_BROWSER)
    with ExitStack() as open_browsers:
        yield lambda language="en": open_browsers.enter_context(browser(program, language=language))


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A tab of a new browser."""
    return new_page()


@pytest.fixture
def window(page: Page, stack: Stack) -> ShopWindow:
    """The shop in it."""
    return ShopWindow(page, stack)
