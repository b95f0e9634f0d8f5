"""The inventory API on the deployed stack: every route, who may call it, what it refuses, and what it adds up to."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.system.links import location
from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

RECEIPT = {"kind": "receipt", "quantity": 5, "reason": "Delivery note 4711"}
ROUTES = [
    ("GET", "/inventory", None),
    ("GET", f"/inventory/{TEA}", None),
    ("GET", f"/inventory/{TEA}/movements", None),
    ("GET", f"/inventory/{TEA}/movements/seed-{TEA}", None),
    ("POST", f"/inventory/{TEA}/movements", RECEIPT),
    ("PUT", f"/inventory/{TEA}/threshold", {"low_stock_threshold": 1}),
]


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


class Storeroom:
    """An admin's client of the inventory API."""

    def __init__(self, shop: Shop, admin: Customer) -> None:
        self._shop = shop
        self.admin = admin

    def get(self, path: str, **query: Any) -> requests.Response:
        return self._shop.request("GET", path, token=self.admin.token, params=query)

    def move(self, sku: str, body: dict[str, Any], key: str | None = None) -> requests.Response:
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self._shop.request(
            "POST", f"/inventory/{sku}/movements", token=self.admin.token, headers=headers, json=body
        )

    def set_threshold(self, sku: str, threshold: Any, if_match: str | None = None) -> requests.Response:
        return self._shop.request(
            "PUT",
            f"/inventory/{sku}/threshold",
            token=self.admin.token,
            headers={"If-Match": if_match} if if_match else None,
            json={"low_stock_threshold": threshold},
        )

    def level(self, sku: str) -> dict[str, Any]:
        answer = self.get(f"/inventory/{sku}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ledger(self, sku: str) -> list[dict[str, Any]]:
        """All of the sku's movements, newest first, page by page."""
        movements: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        for _ in range(1000):
            page = self.get(f"/inventory/{sku}/movements", limit=50, **cursor).json()
            movements += page["movements"]
            if page["next"] is None:
                return movements
            cursor = {"cursor": page["next"]}
        raise AssertionError("the ledger does not end")


@pytest.fixture(scope="module")
def storeroom(shop: Shop, admin: Customer) -> Storeroom:
    return Storeroom(shop, admin)


def new_sku() -> str:
    """An unknown sku."""
    return f"TEST-{uuid4().hex[:12].upper()}"


def problem(answer: requests.Response) -> tuple[int, str]:
    """Status and code of a problem; fails when the answer is none."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


@contextmanager
def much_available(stack: Stack, sku: str, pieces: int) -> Iterator[None]:
    """Stock that it would take a thousand receipts to bring in, until the end of the block."""

    def put(available: int) -> int:
        answer = stack.client("dynamodb").update_item(
            TableName=stack.resource("InventoryTable"),
            Key={"pk": {"S": f"sku#{sku}"}},
            UpdateExpression="SET available = :available",
            ExpressionAttributeValues={":available": {"N": str(available)}},
            ReturnValues="ALL_OLD",
        )
        return int(answer["Attributes"]["available"]["N"])

    before = put(pieces)
    try:
        yield
    finally:
        put(before)


@contextmanager
def low_stock_published(stack: Stack) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Waits for the next `stock.low` of a sku among those published since the block began, and gives what it says."""
    sqs, sns = stack.client("sqs"), stack.client("sns")
    topic = stack.resource("DomainEventsTopic")
    queue = sqs.create_queue(QueueName=f"test-{uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    sqs.set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allow]})}
    )
    subscription = sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps({"event_type": ["stock.low"]}),
        },
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]

    def received(sku: str) -> dict[str, Any] | None:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            data: dict[str, Any] = json.loads(message["Body"])["data"]
            if data["sku"] == sku:
                return data
        return None

    try:
        yield lambda sku: wait_for(lambda: received(sku), f"stock.low of {sku}", seconds=30)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=queue)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_the_inventory_is_for_admins_alone(
    shop: Shop, customer: Customer, method: str, path: str, body: Any
) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    assert shop.request(method, path, headers=headers, json=body).status_code == 401
    refused = shop.request(method, path, token=customer.token, headers=headers, json=body)
    assert problem(refused) == (403, "forbidden")


def test_a_receipt_makes_a_sku_known_and_stands_in_its_ledger(storeroom: Storeroom) -> None:
    sku = new_sku()

    answer = storeroom.move(sku, RECEIPT)

    assert answer.status_code == 201
    assert answer.headers["Idempotent-Replayed"] == "false"
    movement = answer.json()
    assert (movement["quantity"], movement["recorded_by"]) == (5, storeroom.admin.user_id)
    assert storeroom.get(location(answer)).json() == movement
    found = storeroom.get(f"/inventory/{sku}")
    assert found.headers["ETag"] == '"1"'
    assert (found.json()["available"], found.json()["on_hand"], found.json()["reserved"]) == (5, 5, 0)
    assert wait_for(lambda: storeroom.ledger(sku), "the movement in the ledger", seconds=20) == [movement]


def test_a_threshold_is_set_only_on_the_version_that_it_is_based_on(storeroom: Storeroom) -> None:
    sku = new_sku()
    storeroom.move(sku, RECEIPT)
    seen = storeroom.get(f"/inventory/{sku}").headers["ETag"]

    set_once = storeroom.set_threshold(sku, 3, seen)
    again = storeroom.set_threshold(sku, 4, seen)

    assert (set_once.status_code, set_once.headers["ETag"]) == (200, '"2"')
    assert problem(again) == (412, "precondition-failed")
    assert storeroom.level(sku)["low_stock_threshold"] == 3


def test_an_adjustment_takes_no_more_than_is_available(storeroom: Storeroom) -> None:
    sku = new_sku()
    storeroom.move(sku, RECEIPT)
    broken = {"kind": "adjustment", "quantity": -2, "reason": "Broken in the storeroom"}

    assert storeroom.move(sku, broken).status_code == 201
    assert problem(storeroom.move(sku, broken | {"quantity": -4})) == (409, "not-enough-stock")
    assert storeroom.level(sku)["available"] == 3


def test_no_more_comes_in_than_inventory_counts(storeroom: Storeroom, stack: Stack) -> None:
    sku = new_sku()
    storeroom.move(sku, RECEIPT)
    with much_available(stack, sku, 1_000_000_000):
        assert problem(storeroom.move(sku, RECEIPT)) == (409, "too-much-stock")


def test_what_inventory_does_not_know_is_a_404(storeroom: Storeroom) -> None:
    sku = new_sku()
    adjustment = {"kind": "adjustment", "quantity": 1, "reason": "Found"}
    answers = [
        storeroom.get(f"/inventory/{sku}"),
        storeroom.get(f"/inventory/{sku}/movements"),
        storeroom.get(f"/inventory/{TEA}/movements/mov_none"),
        storeroom.move(sku, adjustment),
        storeroom.set_threshold(sku, 1),
    ]
    assert [problem(answer) for answer in answers] == [(404, "not-found")] * len(answers)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "receipt", "quantity": 0}, "/body/quantity"),
        ({"kind": "receipt", "quantity": 10**40}, "/body/quantity"),
        ({"kind": "adjustment", "quantity": 0, "reason": "x"}, "/body/quantity"),
        ({"kind": "adjustment", "quantity": -1}, "/body/reason"),
        ({"kind": "adjustment", "quantity": -1, "reason": "a\u0000b"}, "/body/reason"),
        ({"kind": "loss", "quantity": 1}, "/body/kind"),
        ({"kind": "receipt", "quantity": 1, "price": 1}, "/body/price"),
    ],
)
def test_a_wrong_movement_is_a_problem_that_names_the_field(
    storeroom: Storeroom, body: dict[str, Any], field: str
) -> None:
    answer = storeroom.move(TEA, body)
    assert problem(answer) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "query", "refusal"),
    [
        ("/inventory/tea", {}, (422, "invalid-request")),
        ("/inventory", {"limit": 101}, (422, "invalid-request")),
        ("/inventory", {"cursor": "!"}, (400, "invalid-cursor")),
        (f"/inventory/{TEA}/movements", {"cursor": "!"}, (400, "invalid-cursor")),
        (f"/inventory/{TEA}/movements", {"limit": 0}, (422, "invalid-request")),
        (f"/inventory/{TEA}/movements/{'m' * 65}", {}, (422, "invalid-request")),
    ],
)
def test_a_wrong_path_or_query_is_a_problem(
    storeroom: Storeroom, path: str, query: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert problem(storeroom.get(path, **query)) == refusal


def test_all_stock_is_listed_by_sku_by_page(storeroom: Storeroom) -> None:
    first = storeroom.get("/inventory", limit=10).json()
    second = storeroom.get("/inventory", limit=10, cursor=first["next"]).json()

    skus = [level["sku"] for level in first["stock"] + second["stock"]]
    assert len(skus) == 20
    assert skus == sorted(set(skus))


def test_of_two_requests_at_once_under_one_key_one_moves_the_stock(storeroom: Storeroom) -> None:
    for _ in range(5):
        sku, key = new_sku(), str(uuid4())
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda _: storeroom.move(sku, RECEIPT, key), range(2)))  # noqa: B023 - awaited here

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert sorted(answer.headers["Idempotent-Replayed"] for answer in answers) == ["false", "true"]
        assert storeroom.level(sku)["available"] == 5

        reused = storeroom.move(sku, RECEIPT | {"quantity": 6}, key)
        assert problem(reused) == (422, "idempotency-key-reused")
        assert storeroom.level(sku)["available"] == 5


def test_an_adjustment_or_a_threshold_that_makes_a_sku_low_is_published(
    storeroom: Storeroom, stack: Stack
) -> None:
    sku = new_sku()
    storeroom.move(sku, RECEIPT)
    with low_stock_published(stack) as low:
        assert storeroom.set_threshold(sku, 3).json()["low"] is False
        storeroom.move(sku, {"kind": "adjustment", "quantity": -2, "reason": "Counted"})
        assert storeroom.level(sku)["low"] is True
        assert low(sku) == {"sku": sku, "available": 3, "threshold": 3}

        storeroom.move(sku, RECEIPT)
        storeroom.set_threshold(sku, 8)
        assert low(sku) == {"sku": sku, "available": 8, "threshold": 8}


@pytest.mark.usefixtures("undisturbed", "unhurried")
def test_the_ledgers_sum_is_the_stock_after_orders_ran(
    storeroom: Storeroom, shop: Shop, customer: Customer, auditor: Auditor
) -> None:
    storeroom.move(TEA, RECEIPT)
    ends = {"DE": "confirmed", "AQ": "rejected"}
    countries = ["DE", "AQ", "DE"]
    with ThreadPoolExecutor(len(countries)) as pool:
        placing = [pool.submit(shop.place, customer, {TEA: 2}, country=country) for country in countries]
        storeroom.move(TEA, {"kind": "adjustment", "quantity": -1, "reason": "Sample for the counter"})
        placed = [answer.result().json() for answer in placing]
    settled = [shop.settled(customer, order["order_id"], seconds=120)["status"] for order in placed]
    assert settled == [ends[country] for country in countries]

    def agree() -> bool:
        return sum(movement["quantity"] for movement in storeroom.ledger(TEA)) == auditor.ledger()[TEA]

    wait_for(agree, "the ledger to hold every movement", seconds=20)
    level = storeroom.level(TEA)
    assert level["on_hand"] == level["available"] + level["reserved"] == auditor.ledger()[TEA]
    assert [found for found in auditor.audit().violations if "ledger" in found] == []
