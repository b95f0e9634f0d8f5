"""A new account, in which ten invocations run at a time, on the deployed stack: orders come late, and none is lost."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
import requests

from shared.clock import utc_now
from tests.system.products import TEA
from tools.ops.dead_letters import DeadLetters
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import sets_strictness
from .test_choreography import CONSUMERS, short_visibility_timeout
from .test_faults import needs_linux
from .test_late_orders import waiting_in
from .trouble import packing_takes, paused, strict
from .workers import has_a_call, standing_still

pytestmark = sets_strictness

ORDERS = 12
CLIENTS = 6


@contextmanager
def one_invocation_stands_still(stack: Stack) -> Iterator[None]:
    """An invocation that begins before the block and ends after it; nothing depends on it."""
    with standing_still(stack, "CatalogSweepUploadsFunction"):
        stack.client("lambda").invoke(
            FunctionName=stack.resource("CatalogSweepUploadsFunction"),
            InvocationType="Event",
            Payload=b'{"dry_run": true, "after": null}',
        )
        yield


def refused(stack: Stack, *functions: str) -> float:
    """How many invocations of the functions Lambda refused in the last minutes; of all, if none is named."""
    now = utc_now()
    dimensions = [[{"Name": "FunctionName", "Value": stack.resource(name)}] for name in functions] or [[]]
    points = [
        point
        for dimension in dimensions
        for point in stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Throttles",
            Dimensions=dimension,
            StartTime=now - timedelta(minutes=10),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
    ]
    return sum(point["Sum"] for point in points)


def letters_about(stack: Stack, order_ids: set[str]) -> Counter[str]:
    """How many dead letters each queue holds about the orders; they stay where they are."""
    letters = DeadLetters(stack)
    found: Counter[str] = Counter()
    for consumer in CONSUMERS:
        with letters.inspected(letters.queue(consumer)) as taken:
            found[consumer] += sum(any(order_id in letter.body for order_id in order_ids) for letter in taken)
    return +found


def assert_asks_again(answer: requests.Response) -> None:
    """API Gateway's own answer asks for the request again, as a problem like any other."""
    problem = answer.json()
    assert answer.status_code == problem["status"] == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert problem["type"].endswith("/temporarily-unavailable")


def placed(stack: Stack, customer: Customer) -> str:
    """The id of an order, as a client gets it that repeats what the shop asks to repeat."""
    shop, key = Shop(stack), str(uuid4())

    def order_id() -> str | None:
        answer = shop.place(customer, {TEA: 1}, key=key)
        if answer.status_code == 201:
            return str(answer.json()["order_id"])
        assert_asks_again(answer)
        return None

    return wait_for(order_id, "the shop to take the order", seconds=120)


def test_every_order_of_a_new_account_is_fulfilled_without_a_dead_letter(
    stack: Stack, auditor: Auditor, customer: Customer
) -> None:
    before = refused(stack)
    with packing_takes(stack, 0), strict(stack, lambda_concurrency=10):
        with ThreadPoolExecutor(CLIENTS) as clients:
            order_ids = set(clients.map(lambda _: placed(stack, customer), range(ORDERS)))

        def statuses() -> Counter[str]:
            return Counter(
                str(order["status"]) for order in auditor.order_items() if order["order_id"] in order_ids
            )

        wait_for(
            lambda: statuses().keys() <= {"fulfilled", "rejected", "cancelled", "parked"},
            "every order to come to its end",
            seconds=240,
        )
        assert statuses() == {"fulfilled": ORDERS}
        assert refused(stack) > before
    assert letters_about(stack, order_ids) == {}
    assert [wrong for wrong in auditor.audit().violations if any(o in wrong for o in order_ids)] == []


@needs_linux
def test_an_order_whose_step_is_refused_again_and_again_is_confirmed_once_there_is_room(
    stack: Stack, shop: Shop, customer: Customer
) -> None:
    steps = ("PaymentsStepsFunction", "ShippingStepsFunction")
    before = refused(stack, *steps)
    with one_invocation_stands_still(stack), ExitStack() as limit:
        with standing_still(stack, "PaymentsStepsFunction"):
            order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
            wait_for(lambda: has_a_call(stack, "PaymentsStepsFunction"), "the step of the saga", seconds=60)
            limit.enter_context(strict(stack, lambda_concurrency=1))
        wait_for(lambda: refused(stack, *steps) - before >= 5, "five refusals of a step", seconds=120)
    assert shop.settled(customer, order_id, seconds=120)["status"] in {"confirmed", "fulfilled"}


@needs_linux
def test_a_message_whose_consumer_is_refused_for_four_visibility_timeouts_is_consumed_afterwards(
    stack: Stack, shop: Shop, customer: Customer
) -> None:
    """Lambda tries again each second, so three timeouts of three seconds hold nine refusals at most."""
    consumer = "OrdersStartExecutions"
    before = refused(stack, f"{consumer}Function")
    with (
        short_visibility_timeout(stack, f"{consumer}Queue", 3),
        one_invocation_stands_still(stack),
        ExitStack() as limit,
    ):
        with paused(stack, f"{consumer}Function"):
            order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
            wait_for(lambda: waiting_in(stack, f"{consumer}Queue"), f"the event of {order_id}", seconds=60)
            limit.enter_context(strict(stack, lambda_concurrency=1))
        wait_for(lambda: refused(stack, f"{consumer}Function") - before > 9, "ten refusals", seconds=60)
        limit.close()
        assert shop.settled(customer, order_id, seconds=120)["status"] in {"confirmed", "fulfilled"}
    assert letters_about(stack, {order_id}) == {}


@needs_linux
def test_a_request_whose_function_is_refused_is_asked_for_again(stack: Stack, shop: Shop) -> None:
    def refusals() -> list[requests.Response]:
        answer = shop.request("GET", "/health")
        return [answer] if answer.status_code != 200 else []

    with one_invocation_stands_still(stack), strict(stack, lambda_concurrency=1):
        [answer] = wait_for(refusals, "a refused request", seconds=60)
    assert_asks_again(answer)
    assert shop.request("GET", "/health").status_code == 200


def test_a_new_account_has_no_concurrency_to_reserve(stack: Stack) -> None:
    client = stack.client("lambda")
    with (
        strict(stack, lambda_concurrency=10),
        pytest.raises(client.exceptions.InvalidParameterValueException, match="below its minimum value of"),
    ):
        client.put_function_concurrency(
            FunctionName=stack.resource("OrdersExportPageFunction"), ReservedConcurrentExecutions=1
        )
