"""The deployed stack that STACK and REGION name, or the one in the embedded cloud. All tests use it as one on AWS.

Only a test that is marked `embedded_only` may use the embedded cloud's back doors; it is skipped on any other stack.
At the end the tests clean up behind themselves.
"""

import os
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from inventory.adapters.stock_ledger import StockLedger
from shared.clock import utc_now
from tests.system import products
from tests.system.back_doors import MARK, StackUnderTest, watched
from tests.system.clean_up import KIND, clean_up
from tests.system.earlier_orders import a_test_begins, await_earlier_orders
from tests.system.embedded import as_an_ordinary_user
from tests.system.leak_search import LeakSearch
from tests.system.observer import Observer
from tests.system.published_events import PublishedEvents
from tests.system.removed_permissions import OPTION, RemovedPermissions
from tests.system.trouble import packing_takes
from tests.system.used_permissions import UsedPermissions
from tools.console import StepError
from tools.settings import STACK_NAME
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import be_patient, wait_for

STACK, REGION = os.environ.get("STACK", ""), os.environ.get("REGION", "")


# On a stack that is not the embedded cloud's, the tests that have an event published may be skipped.
_published = PublishedEvents(expects_all=not STACK)
# Only the embedded cloud records them.
_permissions = UsedPermissions(records=not STACK)
_leaks = LeakSearch()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/system --without-permissions`."""
    parser.addoption(
        OPTION,
        type=float,
        metavar="SECONDS",
        help="for so long, take permissions away in turn, and see tests fail",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Adds the checks of all published events, permissions and personal data, or takes permissions away."""
    if seconds := config.getoption(OPTION):
        config.pluginmanager.register(RemovedPermissions(seconds), "removed-permissions")
        return
    config.pluginmanager.register(_published, "published-events")
    config.pluginmanager.register(_permissions, "used-permissions")
    config.pluginmanager.register(_leaks, "leak-search")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the embedded cloud is skipped without it."""
    for item in _system_tests(items):
        if mark := item.get_closest_marker(MARK):
            (reason,) = mark.args
            if STACK:
                item.add_marker(pytest.mark.skip(reason=f"needs the embedded cloud: {reason}"))


def pytest_report_collectionfinish(items: list[pytest.Item]) -> str:
    """How many tests use the stack as one on AWS, and how many cannot."""
    tests = _system_tests(items)
    embedded = sum(item.get_closest_marker(MARK) is not None for item in tests)
    end = f"of the stack {STACK} are skipped: they need" if STACK else "use back doors of"
    return f"{len(tests) - embedded} system tests use the stack as one on AWS; {embedded} {end} the embedded cloud"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Back doors are open for a test with the mark alone. What was ordered before it is of earlier tests."""
    if not _system_tests([item]):
        return (yield)
    a_test_begins()
    with watched(open_for=item.get_closest_marker(MARK) is not None):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """The record of permissions names the test whose body runs."""
    if not _system_tests([item]):
        return (yield)
    with _permissions.used_by(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Back doors are closed for a fixture that outlives the test."""
    if fixturedef.scope == "function":
        return (yield)
    with watched(open_for=False):
        return (yield)


def _system_tests(items: list[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if item.path.is_relative_to(Path(__file__).parent)]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack under test, used as one on AWS."""
    with ExitStack() as block:
        try:
            if not STACK:
                with watched(open_for=True):
                    block.enter_context(as_an_ordinary_user(Stack.current()))
            found = StackUnderTest.named(STACK or STACK_NAME, REGION)
            found.refuse_production("`make system`")
            found.refuse_real_provider("`make system`")
        except StepError as error:
            pytest.exit(error.explain(), returncode=1)
        if found.is_on_aws:
            be_patient()
        _permissions.watch(found)
        yield found


@pytest.fixture(scope="session", autouse=True)
def observer(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Observer]:
    """All events are received from before the first test on, and keep their contracts."""
    listening = Observer(stack)
    yield listening
    try:
        # Hundreds of tests without a permission say nothing about events, and leave thousands of them.
        if not request.config.getoption(OPTION):
            _published.take(listening.events(), request.config)
            with watched(open_for=True):
                _permissions.take(stack, request.config)
    finally:
        listening.close()


@pytest.fixture(scope="session", autouse=True)
def _nothing_left(stack: Stack, observer: Observer, request: pytest.FixtureRequest) -> Iterator[None]:
    """After a run of all tests in the embedded cloud, closed accounts have left nothing but what the data map says."""
    yield
    if _all_tests_run_in_the_embedded_cloud(request):
        with watched(open_for=True):
            _leaks.search_after_closing(stack, request.config)


@pytest.fixture(scope="session", autouse=True)
def _left_as_it_was(stack: Stack, _nothing_left: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """At the end, what the tests made up is gone as far as that is possible."""
    started = utc_now()
    yield
    # Without permissions, orders got stuck: only a new cloud is as it was.
    if not request.config.getoption(OPTION):
        clean_up(stack, Shop(stack, KIND), started)


@pytest.fixture(scope="session", autouse=True)
def _nothing_out_of_place(
    stack: Stack, _left_as_it_was: None, request: pytest.FixtureRequest
) -> Iterator[None]:
    """After a run of all tests in the embedded cloud, personal data are only where the data map allows them."""
    yield
    if _all_tests_run_in_the_embedded_cloud(request):
        with watched(open_for=True):
            _leaks.search(stack, request.config)


@pytest.fixture(scope="session", autouse=True)
def _products_on_sale(stack: Stack, _left_as_it_was: None) -> None:
    """The tests have products of their own."""
    products.sell(stack)


@pytest.fixture(scope="session", autouse=True)
def _in_agreement(
    stack: Stack, _nothing_out_of_place: None, request: pytest.FixtureRequest
) -> Iterator[None]:
    """After a run of all tests in the embedded cloud, the records of all orders agree, with the mails that SES sent.

    It leaves out what did not agree before the run, because earlier users of the stack made that.
    """
    if not _all_tests_run_in_the_embedded_cloud(request):
        yield
        return
    auditor = Auditor(stack)

    def contradictions() -> set[str]:
        with watched(open_for=True):
            return set(auditor.audit().violations)

    before = contradictions()
    yield
    # The tests' last orders may still be on their way to their mails.
    wait_for(lambda: not contradictions() - before, "the auditor to agree", seconds=180)


def _all_tests_run_in_the_embedded_cloud(request: pytest.FixtureRequest) -> bool:
    config = request.config
    return not STACK and config.args == ["tests/system"] and not config.getoption(OPTION)


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Shop:
    """A client of the deployed API."""
    return Shop(stack, KIND)


@pytest.fixture(scope="session")
def auditor(stack: Stack) -> Auditor:
    """The tables and the provider's records; in a test that is marked `embedded_only`, also the sent mails."""
    return Auditor(stack)


@pytest.fixture(scope="session")
def customer(shop: Shop) -> Customer:
    """Someone who signed up and signed in."""
    return shop.sign_up("Grace Example")


@pytest.fixture(scope="session", autouse=True)
def _packed_at_once(stack: Stack) -> Iterator[None]:
    """A parcel leaves as soon as its order is confirmed, unless its test is `unhurried`.

    On AWS it leaves when the stack says: there a queue takes a minute to change.
    """
    with ExitStack() as block:
        if not stack.is_on_aws:
            block.enter_context(packing_takes(stack, 0))
        yield


@pytest.fixture
def undisturbed(stack: Stack) -> None:
    """No order of an earlier test moves stock or money during the test."""
    await_earlier_orders(stack)


@pytest.fixture
def unhurried(stack: Stack) -> Iterator[None]:
    """No order that is confirmed during the test is dispatched by itself."""
    with packing_takes(stack, 900):
        yield


@pytest.fixture(scope="session")
def deliver(stack: Stack) -> Callable[[str, int], None]:
    """Adds pieces of a product to the stock."""
    ledger = StockLedger(stack.client("dynamodb"), stack.resource("InventoryTable"))

    def receive(sku: str, quantity: int) -> None:
        ledger.receive(
            sku, quantity, movement_id=f"test-{uuid.uuid4().hex}", correlation_id="test", now=utc_now()
        )

    return receive


def event(event_type: str, aggregate_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """A domain event as it travels on the topic."""
    return {
        "event_id": f"{aggregate_id}:1:{event_type}",
        "event_type": event_type,
        "event_version": 1,
        "occurred_at": "2030-01-01T00:00:00.000Z",
        "aggregate_id": aggregate_id,
        "aggregate_version": 1,
        "correlation_id": "test",
        "data": data,
    }
