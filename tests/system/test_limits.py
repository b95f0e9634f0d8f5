"""The limits of one account on the deployed stack. The customers are new, so no other test meets the limits."""

from uuid import uuid4

import pytest

from shared.clock import utc_now
from tests.system.clean_up import KIND
from tests.system.orders import order_body
from tests.system.products import TEA
from tools.api import Api
from tools.shop.client import PASSWORD, Customer, Shop, made_up_address, made_up_name
from tools.stack import Stack
from users.adapters.sign_up_counters import SignUpCounters
from users.domain.sign_up_limits import SourceHour

DECLINED = "pm_card_chargeDeclined"


@pytest.fixture
def impatient(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A client that shows a 429 instead of sending its request again."""
    monkeypatch.setattr("tools.api._LONGEST_WAIT_SECONDS", -1.0)
    return Shop(stack, KIND)


def test_an_account_tries_few_cards_in_a_row_and_then_waits(impatient: Shop, stack: Stack) -> None:
    carder = impatient.sign_up("Carder Example")
    undecided, declines = (
        int(stack.parameters[name]) for name in ("MaxUndecidedOrders", "MaxDeclinesPerHour")
    )

    answers = [impatient.place(carder, {TEA: 1}, payment_token=DECLINED) for _ in range(40)]

    taken = [answer.json()["order_id"] for answer in answers if answer.status_code == 201]
    # A busy machine may answer 503 as well.
    assert {201, 429} <= {answer.status_code for answer in answers} <= {201, 429, 503}
    assert declines <= len(taken) <= undecided + declines
    for order_id in taken:
        assert impatient.settled(carder, order_id)["rejection_reason"] == "payment_declined"
    refused = impatient.place(carder, {TEA: 1})
    assert refused.json()["type"].endswith("/too-many-declines")
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    honest = impatient.sign_up("Honest Example")
    assert impatient.place(honest, {TEA: 1}).status_code == 201


def test_an_order_of_999_pieces_is_refused(shop: Shop, customer: Customer) -> None:
    body = {**order_body(), "lines": [{"sku": TEA, "quantity": 999}]}

    answer = Api(shop.stack).request(
        "POST", "/orders", token=customer.token, headers={"Idempotency-Key": str(uuid4())}, json=body
    )

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/too-many-pieces")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/body/lines/0/quantity"]


@pytest.mark.embedded_only("says where a request came from; on AWS it is the connection that shows that")
def test_a_source_that_signed_up_too_many_times_makes_no_more_accounts(stack: Stack, shop: Shop) -> None:
    most, source = int(stack.parameters["MaxSignUpsPerSource"]), f"2001:db8:{uuid4().hex[:4]}:1::7"
    counters = SignUpCounters(stack.client("dynamodb"), stack.resource("UsersTable"))
    hour = SourceHour.of(source, utc_now())
    email = made_up_address(KIND, "Flood")
    body = {"email": email, "password": PASSWORD, "name": made_up_name("Flood")}
    stack.client("dynamodb").put_item(
        TableName=stack.resource("UsersTable"),
        Item={"pk": {"S": f"sign-ups#{hour.key}"}, "sign_ups": {"N": str(most - 1)}},
    )
    assert counters.count(hour, at_most=most)

    refused = shop.request("POST", "/users", json=body, headers={"X-Forwarded-For": source})

    assert refused.status_code == 429
    assert refused.json()["type"].endswith("/too-many-sign-ups")
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    neighbour = {"X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}:2::7"}
    assert shop.request("POST", "/users", json=body, headers=neighbour).status_code == 201
