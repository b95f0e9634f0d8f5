"""What `make bill` records of orders is complete: its parts agree with each other and with the logs."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.system.clean_up import KIND
from tools.bill.counting import Count, Traffic
from tools.bill.declared import Declared
from tools.bill.journeys import Journeys
from tools.bill.recording import Fact, named, of_orders, recording
from tools.console import Progress
from tools.shop import seed
from tools.stack import Stack

ORDERS = 2
# Of every service that an order uses; X-Ray is sampled, so its price alone is not in whole orders.
PRICES = {
    "api.requests",
    "transfer.gb",
    "lambda.requests",
    "lambda.gb_seconds.arm64",
    "dynamodb.writes",
    "dynamodb.reads",
    "sns.publishes",
    "sqs.requests",
    "logs.gb",
    "xray.traces",
    "ses.mails",
}


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.embedded_only("records what the embedded cloud does")
def test_the_bill_counts_everything_that_orders_cause(stack: Stack) -> None:
    declared = Declared.for_production()
    seed.load(stack)
    with recording(stack) as running:
        journeys = Journeys(stack, declared, running, Progress(print), KIND)
        journeys.stock_up(ORDERS)
        journeys.settle()  # what the customer's sign-up and the delivery caused is not in the bill
        running.restart()
        since = datetime.now(UTC)
        journeys.fulfilled(ORDERS)
        everything = named(running.facts(), stack, declared)
    facts = of_orders(everything, declared)
    assert {fact["kind"] for fact in facts} >= {
        "request", "invocation", "call", "read", "write", "publish", "receive", "delete", "execution",
    }  # fmt: skip

    usages = Count(declared, Traffic(ORDERS, 1.0)).of(facts)
    counted = {usage.price: 0.0 for usage in usages}
    for usage in usages:
        counted[usage.price] += usage.quantity
    assert counted.keys() >= PRICES
    assert all(counted.values())
    assert counted["api.requests"] == 3 * ORDERS  # placed, and looked at twice

    received, deleted, invoked = Counter[str](), Counter[str](), Counter[str]()
    for fact in facts:
        match fact:
            case {"kind": "receive"}:
                received[fact["queue"]] += fact["messages"]
            case {"kind": "delete"}:
                deleted[fact["queue"]] += fact["messages"]
            case {"kind": "invocation", "trigger": "queue"}:
                invoked[fact["source"]] += fact["records"]
    # A message that a function gives back is received again, and deleted once.
    assert received == invoked
    assert deleted.keys() == received.keys()
    assert deleted <= received

    assert number_of_invocations(facts) == number_of_starts(stack, declared, facts, since)


@pytest.mark.embedded_only("records what the embedded cloud does")
def test_nothing_is_recorded_without_a_request(stack: Stack) -> None:
    with recording(stack) as running:
        pass
    stack.client("dynamodb").list_tables()
    assert not running.facts()


def number_of_invocations(facts: list[Fact]) -> Counter[str]:
    return Counter(fact["function"] for fact in facts if fact["kind"] == "invocation")


def number_of_starts(stack: Stack, declared: Declared, facts: list[Fact], since: datetime) -> Counter[str]:
    """How often each of the functions started by its log."""
    starts = Counter[str]()
    logs = stack.client("logs")
    for name in number_of_invocations(facts):
        group = declared.functions[name]["LoggingConfig"]["LogGroup"]["Ref"]
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=stack.resource(group), startTime=int(since.timestamp() * 1000)
        )
        starts[name] = sum(
            event["message"].startswith("START ") and f"/{stack.resource(name)}[" in event["logStreamName"]
            for page in pages
            for event in page["events"]
        )
    return starts
