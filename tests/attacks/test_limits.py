"""What costs the shop money or others their peace: many cards at once, and large orders."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from tests.attacks.attempts import Attempts
from tests.system.clean_up import KIND
from tests.system.orders import order_body
from tests.system.products import DARJEELING, TEA
from tools.shop.client import Shop
from tools.stack import Stack

_DECLINED = "pm_card_chargeDeclined"
_AT_ONCE = 8


@pytest.fixture
def impatient(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A client that shows a 429 instead of sending its request again."""
    monkeypatch.setattr("tools.api._LONGEST_WAIT_SECONDS", -1.0)
    return Shop(stack, KIND)


@pytest.mark.long
def test_many_cards_at_once_are_few_payments(attempts: Attempts, impatient: Shop, stack: Stack) -> None:
    """As `tests/system/test_limits.py` tries one card after the other, this tries many at the same moment."""
    carder = impatient.sign_up("Carder Example")
    undecided, declines = (
        int(stack.parameters[name]) for name in ("MaxUndecidedOrders", "MaxDeclinesPerHour")
    )

    def place(_: int) -> requests.Response:
        return impatient.place(carder, {TEA: 1}, payment_token=_DECLINED)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers = list(threads.map(place, range(60)))
    taken = [answer.json()["order_id"] for answer in answers if answer.status_code == 201]
    # The limit is read before the order is written, so some more pass at the same moment.
    attempts.check("60 cards at once", held=len(taken) <= undecided + declines + _AT_ONCE, seen=len(taken))
    for answer in answers:
        attempts.check("a card", held=answer.status_code in {201, 429, 503}, seen=answer.text)
        held = answer.status_code != 429 or int(answer.headers["Retry-After"]) > 0
        attempts.check("a 429 says when to come again", held=held, seen=answer.headers)
    for order_id in taken:
        impatient.settled(carder, order_id, seconds=120)
    for lines in ({TEA: 1}, {TEA: 1, DARJEELING: 1}):
        attempts.refused("a card after too many", impatient.place(carder, lines), 429)
    answer = impatient.place(carder, {TEA: 1}, key=str(uuid4()), payment_token="pm_card_visa")
    attempts.refused("a good card after too many", answer, 429)


def test_nobody_orders_the_whole_stock(attempts: Attempts, shop: Shop, stack: Stack) -> None:
    person = shop.sign_up("Hoarder Example")
    line, order = (int(stack.parameters[name]) for name in ("MaxPiecesPerLine", "MaxPiecesPerOrder"))
    cases = {
        "one piece too many": [{"sku": TEA, "quantity": line + 1}],
        "999 pieces": [{"sku": TEA, "quantity": 999}],
        "10^9 pieces": [{"sku": TEA, "quantity": 10**9}],
        "a product twice": [{"sku": TEA, "quantity": line}] * 2,
        "a product in another spelling": [
            {"sku": TEA, "quantity": line},
            {"sku": f" {TEA} ", "quantity": line},
        ],
        "51 lines": [{"sku": f"TEST-{number}", "quantity": 1} for number in range(51)],
        "too many pieces together": [
            {"sku": f"TEST-{number}", "quantity": line} for number in range(order // line + 1)
        ],
        "no piece": [{"sku": TEA, "quantity": 0}],
        "minus one piece": [{"sku": TEA, "quantity": -1}],
    }
    for name, lines in cases.items():
        headers = {"Idempotency-Key": str(uuid4())}
        answer = shop.request(
            "POST", "/orders", token=person.token, json=order_body(lines=lines), headers=headers
        )
        attempts.refused(f"an order of {name}", answer, 422)
