"""Attacks on a deployed stack, as a hostile customer carries them out.

Each file is a group. A test tries many attacks, and fails with all its findings. The last lines of a run count both by
group. `--short` tries a sample, which the seed of the tests' order chooses. STACK and REGION name a stack that is not
the one in the embedded cloud.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest

from shared.clock import utc_now
from tests.attacks.attempts import FIRST_FINDING, Attempts
from tests.attacks.requests_of_routes import Requests
from tests.random_order import RandomOrder
from tests.system import products
from tests.system.clean_up import KIND, clean_up
from tests.system.products import TEA
from tools.console import StepError
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import be_patient, wait_for

STACK, REGION = os.environ.get("STACK", ""), os.environ.get("REGION", "")
_TRIED, _FOUND = "attacks tried", "findings"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/attacks --short`."""
    parser.addoption("--short", action="store_true", help="try a sample of the attacks")


def pytest_configure(config: pytest.Config) -> None:
    """Declares the mark of a test that a short run leaves out."""
    config.addinivalue_line(
        "markers", "long: takes many seconds, so a short run of the attacks leaves it out"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A short run leaves out what takes long."""
    if not config.getoption("--short", default=False):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """A finding fails the test, once the test has tried all its attacks."""
    attempts = getattr(item, "funcargs", {}).get("attempts")
    try:
        yield
        if isinstance(attempts, Attempts) and (findings := attempts.report()):
            pytest.fail(f"{len(attempts.findings)} findings:\n{findings}", pytrace=False)
    finally:
        if isinstance(attempts, Attempts):
            item.user_properties += [(_TRIED, attempts.tried), (_FOUND, len(attempts.findings))]
            item.user_properties += [(FIRST_FINDING, finding) for finding in attempts.findings[:1]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each group: the attacks that it tried, and its findings."""
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for report in (one for kind in ("passed", "failed") for one in terminalreporter.stats.get(kind, [])):
        properties = dict(getattr(report, "user_properties", []))
        if _TRIED in properties and report.when == "call":
            group = Path(report.nodeid.partition("::")[0]).stem.removeprefix("test_").replace("_", " ")
            tried[group] += properties[_TRIED]
            # A test that breaks off has found something that it did not expect.
            found[group] += properties[_FOUND] or int(report.failed)
    if not tried:
        return
    terminalreporter.section("attacks")
    for group in sorted(tried):
        terminalreporter.write_line(f"{group:<20} {tried[group]:>6} attacks  {found[group]:>4} findings")
    terminalreporter.write_line(f"{'all':<20} {tried.total():>6} attacks  {found.total():>4} findings")


@pytest.fixture
def attempts(request: pytest.FixtureRequest) -> Attempts:
    """The attacks of this test."""
    if not request.config.getoption("--short", default=False):
        return Attempts(None)
    order: RandomOrder | None = request.config.pluginmanager.get_plugin("random-order")
    assert order is not None
    return Attempts(Random(f"{order.seed} {request.node.nodeid}"))  # noqa: S311 - it need not be hard to guess


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack under attack: never one for production, nor one that pays with real money."""
    try:
        found = Stack.named(STACK, REGION)
        found.refuse_production("`make attack`")
        found.refuse_real_provider("`make attack`")
    except StepError as error:
        pytest.exit(error.explain(), returncode=1)
    if found.is_on_aws:
        be_patient()
    started = utc_now()
    products.sell(found)
    yield found
    # `make down` forgets what the attacks leave in the embedded cloud.
    if not found.is_embedded:
        clean_up(found, Shop(found, KIND), started)


@pytest.fixture(scope="session")
def shop(stack: Stack) -> Shop:
    """A client of the deployed API."""
    return Shop(stack, KIND)


@pytest.fixture(scope="session")
def victim(shop: Shop) -> Customer:
    """A customer with data that the attacker wants."""
    return shop.sign_up("Victim Example")


@pytest.fixture(scope="session")
def attacker(shop: Shop) -> Customer:
    """A customer who attacks the shop."""
    return shop.sign_up("Mallory Example")


@pytest.fixture(scope="session")
def admin(shop: Shop) -> Customer:
    """An admin, for what only admins reach, and to look at what became of an attack."""
    return shop.admin()


@pytest.fixture(scope="session")
def orders_of_victim(shop: Shop, victim: Customer) -> list[str]:
    """The ids of two decided orders."""
    placed = [shop.place(victim, {TEA: 1}) for _ in range(2)]
    for answer in placed:
        answer.raise_for_status()
    return [str(shop.settled(victim, answer.json()["order_id"])["order_id"]) for answer in placed]


@pytest.fixture(scope="session")
def return_of_victim(shop: Shop, victim: Customer, orders_of_victim: list[str]) -> str:
    """The id of a requested return of the first of the orders."""
    path, token = f"/orders/{orders_of_victim[0]}/returns", victim.token
    shop.become(victim, orders_of_victim[0], "fulfilled", seconds=120)
    wait_for(
        lambda: shop.request("GET", path, token=token).status_code == 200, "a returnable order", seconds=60
    )
    body = {"lines": [{"sku": TEA, "quantity": 1}], "reason": "damaged"}
    answer = shop.request("POST", path, token=token, json=body, headers={"Idempotency-Key": str(uuid4())})
    answer.raise_for_status()
    return str(answer.json()["return_id"])


@pytest.fixture(scope="session")
def of_victim(shop: Shop, victim: Customer, orders_of_victim: list[str], return_of_victim: str) -> Requests:
    """Requests to every route, about things of the victim."""
    things = {
        "order_id": orders_of_victim[0],
        "user_id": victim.user_id,
        "sku": TEA,
        "return_id": return_of_victim,
    }
    return Requests(shop, things)


@pytest.fixture
def marker() -> str:
    """A text that occurs nowhere else."""
    return f"mark{uuid4().hex}"
