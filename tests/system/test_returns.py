"""Returns on the deployed stack: from the request to the restocked piece, the refund and the mails; and refusals."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from shared.clock import timestamp, utc_now
from shipping.domain.shipment import TRACKING_PREFIX
from tests.system.products import DARJEELING, TEA
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

from .conftest import event

type Problem = tuple[int, str]


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """A person who runs the shop."""
    return shop.admin()


@pytest.fixture(scope="module")
def ada(shop: Shop) -> Customer:
    """A customer of this file alone."""
    return shop.sign_up("Ada Example")


@pytest.fixture
def bought(shop: Shop, ada: Customer) -> str:
    """Ada's fulfilled order of two teas and a gift, whose pieces can be returned."""
    return buy(shop, ada)


def buy(shop: Shop, customer: Customer) -> str:
    answer = shop.place(customer, {TEA: 2, DARJEELING: 1})
    assert answer.status_code == 201, answer.text
    order_id = str(answer.json()["order_id"])
    shop.become(customer, order_id, "fulfilled", seconds=120)
    wait_for(
        lambda: returns_of(shop, customer, order_id).status_code == 200,
        f"{order_id} to be returnable",
        seconds=60,
    )
    return order_id


def returns_of(shop: Shop, caller: Customer, order_id: str) -> requests.Response:
    return shop.request("GET", f"/orders/{order_id}/returns", token=caller.token)


def ask(
    shop: Shop, caller: Customer, order_id: str, key: str | None = None, **pieces: int
) -> requests.Response:
    """Requests the return of so many teas and gifts."""
    skus = {"teas": TEA, "gifts": DARJEELING}
    return shop.request(
        "POST",
        f"/orders/{order_id}/returns",
        token=caller.token,
        json={
            "lines": [{"sku": skus[name], "quantity": quantity} for name, quantity in pieces.items()],
            "reason": "damaged",
        },
        headers={"Idempotency-Key": key or str(uuid4())},
    )


def asked(shop: Shop, caller: Customer, order_id: str, **pieces: int) -> str:
    answer = ask(shop, caller, order_id, None, **pieces)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["return_id"])


def do(
    shop: Shop, caller: Customer, what: str, order_id: str, return_id: str, body: Any = None
) -> requests.Response:
    path = f"/orders/{order_id}/returns/{return_id}/{what}"
    return shop.request("POST", path, token=caller.token, json=body)


def problem_of(answer: requests.Response) -> Problem:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def becomes(shop: Shop, caller: Customer, order_id: str, return_id: str, status: str) -> dict[str, Any]:
    """The return once it is in `status`."""

    def there() -> dict[str, Any] | None:
        entries: list[dict[str, Any]] = returns_of(shop, caller, order_id).json()["returns"]
        [entry] = [each for each in entries if each["return_id"] == return_id]
        return entry if entry["status"] == status else None

    return wait_for(there, f"{return_id} to be {status}", seconds=90)


def movements_of(shop: Shop, admin: Customer, sku: str, order_id: str) -> list[tuple[str, int]]:
    """The kinds and quantities of the order's movements of the sku, newest first."""
    answer = shop.request("GET", f"/inventory/{sku}/movements", token=admin.token, params={"limit": 100})
    return [
        (movement["kind"], movement["quantity"])
        for movement in answer.json()["movements"]
        if movement["order_id"] == order_id
    ]


def test_a_return_leads_from_the_request_to_the_restocked_piece_and_the_refund(
    shop: Shop, ada: Customer, admin: Customer, bought: str
) -> None:
    return_id = asked(shop, ada, bought, teas=2)
    assert do(shop, admin, "accept", bought, return_id).status_code == 200
    labelled = becomes(shop, ada, bought, return_id, "labelled")
    assert labelled["tracking_reference"].startswith(TRACKING_PREFIX)
    waiting = shop.request(
        "GET", "/returns/waiting", token=admin.token, params={"status": "labelled", "limit": 100}
    )
    assert return_id in {entry["return_id"] for entry in waiting.json()["returns"]}

    found = {"lines": [{"sku": TEA, "restocked": 1, "written_off": 1}]}
    inspected = do(shop, admin, "inspect", bought, return_id, found)
    again = do(shop, admin, "inspect", bought, return_id, found)

    assert (inspected.status_code, again.status_code) == (200, 200)
    refund = inspected.json()["refund"]
    [price] = [line["unit_price"] for line in shop.order(ada, bought)["lines"] if line["sku"] == TEA]
    assert refund == {**price, "amount": 2 * price["amount"]}
    wait_for(
        lambda: ("receipt", 1) in movements_of(shop, admin, TEA, bought),
        "the piece to be in stock again",
        seconds=90,
    )
    ended = becomes(shop, ada, bought, return_id, "refunded")
    assert [entry["status"] for entry in ended["history"]] == [
        "requested",
        "accepted",
        "labelled",
        "inspected",
        "refunded",
    ]
    assert movements_of(shop, admin, TEA, bought) == [("receipt", 1), ("shipment", -2)]
    own = shop.request("GET", "/returns", token=ada.token).json()["returns"]
    assert ended in own
    assert problem_of(ask(shop, ada, bought, teas=1)) == (409, "more-than-bought")


@pytest.mark.embedded_only("it reads the mails that SES sent")
def test_the_customer_gets_one_mail_each_about_the_label_the_refusal_and_the_refund(
    shop: Shop, stack: Stack, admin: Customer
) -> None:
    grace = shop.sign_up("Grace Example")
    order_id = buy(shop, grace)
    refused, accepted = asked(shop, grace, order_id, gifts=1), asked(shop, grace, order_id, teas=1)
    assert do(shop, admin, "refuse", order_id, refused, {"reason": "excluded"}).status_code == 200
    assert do(shop, admin, "accept", order_id, accepted).status_code == 200
    reference = becomes(shop, grace, order_id, accepted, "labelled")["tracking_reference"]
    inspection = {"lines": [{"sku": TEA, "restocked": 1}]}
    assert do(shop, admin, "inspect", order_id, accepted, inspection).status_code == 200

    def mails(heading: str) -> list[str]:
        """The mails to the customer with this heading."""
        return [mail for mail in map(str, stack.sent_mails()) if grace.email in mail and heading in mail]

    headings = ("Your return is accepted", "We cannot accept your return", "We have paid you back")
    wait_for(lambda: all(map(mails, headings)), "a mail about each return", seconds=90)

    found = [mails(heading) for heading in headings]
    assert [len(sent) for sent in found] == [1, 1, 1]
    [[of_label], [of_refusal], _] = found
    assert reference in of_label
    assert "excluded from returns" in of_refusal


def test_a_refused_return_says_why_and_frees_its_pieces(
    shop: Shop, ada: Customer, admin: Customer, bought: str
) -> None:
    return_id = asked(shop, ada, bought, gifts=1)

    answer = do(shop, admin, "refuse", bought, return_id, {"reason": "not_eligible"})

    assert (answer.status_code, answer.json()["refusal"]) == (200, "not_eligible")
    assert problem_of(do(shop, admin, "accept", bought, return_id)) == (409, "return-cannot-be-changed")
    assert ask(shop, ada, bought, gifts=1).status_code == 201


@pytest.fixture
def old_order(shop: Shop, stack: Stack, ada: Customer) -> Iterator[str]:
    """An order of Ada's that was fulfilled 31 days ago, as the service alone knows it."""
    order_id = f"ord_{uuid4().hex}"
    price = {"amount": 790, "currency": "EUR"}
    told = event(
        "order.fulfilled",
        order_id,
        {
            "order_id": order_id,
            "customer_id": ada.user_id,
            "lines": [{"sku": TEA, "quantity": 2, "unit_price": price}],
            "breakdown": {"shipping": price},
        },
    ) | {"occurred_at": timestamp(utc_now() - timedelta(days=31))}
    stack.client("sqs").send_message(
        QueueUrl=stack.resource("ReturnsFollowQueue"), MessageBody=json.dumps(told)
    )
    wait_for(lambda: returns_of(shop, ada, order_id).status_code == 200, "the old order", seconds=60)
    yield order_id
    stack.client("dynamodb").delete_item(
        TableName=stack.resource("ReturnsTable"), Key={"pk": {"S": order_id}}
    )


def test_an_accepted_return_whose_pieces_never_arrive_expires_and_frees_them(
    stack: Stack, shop: Shop, ada: Customer, admin: Customer, bought: str
) -> None:
    return_id = asked(shop, ada, bought, teas=2)
    do(shop, admin, "accept", bought, return_id)
    becomes(shop, ada, bought, return_id, "labelled")
    stack.client("dynamodb").update_item(
        TableName=stack.resource("ReturnsTable"),
        Key={"pk": {"S": bought}},
        UpdateExpression="SET #returns[0].expires_at = :past",
        ExpressionAttributeNames={"#returns": "returns"},
        ExpressionAttributeValues={":past": {"S": timestamp(utc_now() - timedelta(seconds=1))}},
    )

    assert ask(shop, ada, bought, teas=2).status_code == 201

    assert becomes(shop, ada, bought, return_id, "expired")["history"][-1]["status"] == "expired"
    assert problem_of(do(shop, ada, "withdraw", bought, return_id)) == (409, "return-cannot-be-changed")


def test_an_order_beyond_the_period_cannot_be_returned(shop: Shop, ada: Customer, old_order: str) -> None:
    assert problem_of(ask(shop, ada, old_order, teas=1)) == (409, "return-period-over")


def test_another_customers_order_is_answered_like_an_unknown_one(
    shop: Shop, ada: Customer, customer: Customer, bought: str
) -> None:
    return_id = asked(shop, ada, bought, gifts=1)
    unknown = f"ord_{uuid4().hex}"

    for attempt in (
        lambda order: ask(shop, customer, order, teas=1),
        lambda order: returns_of(shop, customer, order),
        lambda order: do(shop, customer, "withdraw", order, return_id),
    ):
        theirs, none = attempt(bought), attempt(unknown)
        assert (theirs.status_code, theirs.json()) == (none.status_code, none.json())
        assert theirs.status_code == 404
    [kept] = returns_of(shop, ada, bought).json()["returns"]
    assert kept["status"] == "requested"


def test_of_requests_at_once_for_the_same_piece_only_one_wins(shop: Shop, ada: Customer, bought: str) -> None:
    assert problem_of(ask(shop, ada, bought, teas=3)) == (409, "more-than-bought")

    with ThreadPoolExecutor() as pool:
        attempts: list[Callable[[], requests.Response]] = [lambda: ask(shop, ada, bought, gifts=1)] * 4
        answers = [each.result() for each in [pool.submit(attempt) for attempt in attempts]]

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {problem_of(answer)[1] for answer in answers if answer.status_code == 409} == {"more-than-bought"}
    assert len(returns_of(shop, ada, bought).json()["returns"]) == 1


def test_a_withdrawn_return_and_a_repeated_request_change_nothing_more(
    shop: Shop, ada: Customer, admin: Customer, bought: str
) -> None:
    key = str(uuid4())
    first, again = (ask(shop, ada, bought, key, teas=1) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    return_id = str(first.json()["return_id"])
    assert do(shop, admin, "accept", bought, return_id).status_code == 200

    withdrawn = do(shop, ada, "withdraw", bought, return_id)

    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "withdrawn")
    assert problem_of(
        do(shop, admin, "inspect", bought, return_id, {"lines": [{"sku": TEA, "restocked": 1}]})
    ) == (
        409,
        "return-cannot-be-changed",
    )


def test_a_customer_who_leaves_has_the_undecided_return_withdrawn_and_requests_no_more(
    shop: Shop, admin: Customer
) -> None:
    leaver = shop.sign_up("Lee Example")
    order_id = buy(shop, leaver)
    return_id = asked(shop, leaver, order_id, gifts=1)

    assert shop.request("DELETE", "/users/me", token=leaver.token).status_code == 204

    becomes(shop, admin, order_id, return_id, "withdrawn")
    assert problem_of(ask(shop, leaver, order_id, teas=1)) == (403, "account-closed")
