"""Requests at the same moment: for the last pieces, under one key, against each other. Then the books must agree."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.attacks.attempts import Attempts
from tests.system.clean_up import KIND
from tests.system.products import RARE, TEA
from tools.shop.audit import Auditor
from tools.shop.client import PASSWORD, Customer, Shop, made_up_address
from tools.stack import Stack
from tools.waiting import wait_for

_AT_ONCE = 10
_PIECES_OF_RARE = 3


def at_once(actions: list[Callable[[], requests.Response]]) -> list[requests.Response]:
    """The answers to requests that are sent at the same moment."""
    start = Barrier(len(actions))

    def act(action: Callable[[], requests.Response]) -> requests.Response:
        start.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(act, actions))


@pytest.fixture
def books(stack: Stack, attempts: Attempts) -> Iterator[Auditor]:
    """The records of all orders, which agree after the test as they did before."""
    auditor = Auditor(stack)
    before = set(auditor.audit().violations)
    yield auditor
    # What the last orders caused may still be on its way.
    wait_for(lambda: set(auditor.audit().violations) <= before, "the auditor to agree", seconds=120)


def test_the_last_pieces_are_sold_once(attempts: Attempts, shop: Shop, books: Auditor) -> None:
    buyers = [shop.sign_up(f"Buyer{number} Example") for number in range(5)]
    placed = at_once([_placing(shop, buyer, {RARE: 1}) for buyer in buyers for _ in range(2)])
    ends = [
        shop.settled(buyer, answer.json()["order_id"], seconds=120)["status"]
        for buyer, answer in zip([buyer for buyer in buyers for _ in range(2)], placed, strict=True)
        if answer.status_code == 201
    ]
    sold = sum(end in {"confirmed", "fulfilled"} for end in ends)
    attempts.check("the last three pieces", held=sold == _PIECES_OF_RARE, seen=ends)
    level = books.stock()[RARE]
    attempts.check("the stock", held=level["available"] >= 0, seen=level)
    for answer in placed:
        attempts.check("an order of a last piece", held=answer.status_code in {201, 429}, seen=answer.text)


def test_one_key_is_one_order(attempts: Attempts, shop: Shop, attacker: Customer, books: Auditor) -> None:
    key = str(uuid4())
    same = at_once([_placing(shop, attacker, {TEA: 1}, key=key) for _ in range(_AT_ONCE)])
    ids = {answer.json()["order_id"] for answer in same if answer.status_code == 201}
    attempts.check("one key at once", held=len(ids) == 1, seen=ids)
    fresh = [answer for answer in same if answer.headers.get("Idempotent-Replayed") == "false"]
    attempts.check("one key at once is one new order", held=len(fresh) == 1, seen=len(fresh))
    intents = [intent for intent in books.intents() if intent["metadata"].get("order_id") in ids]
    order = shop.settled(attacker, next(iter(ids)))
    attempts.check("one key is charged once", held=len(intents) <= 1, seen=intents)

    key = str(uuid4())
    others = at_once([_placing(shop, attacker, {TEA: pieces + 1}, key=key) for pieces in range(_AT_ONCE)])
    taken = [answer for answer in others if answer.status_code == 201]
    attempts.check(
        "one key with other bodies", held=len(taken) == 1, seen=[one.status_code for one in others]
    )
    for answer in set(others) - set(taken):
        attempts.refused("one key with another body", answer, 409, 422)
    shop.settled(attacker, taken[0].json()["order_id"])
    held = books.order(order["order_id"]).held()
    attempts.check("the provider holds the total", held=held == order["total"]["amount"], seen=held)


def test_a_cancellation_gives_money_back_once(attempts: Attempts, shop: Shop, books: Auditor) -> None:
    person = shop.sign_up("Canceller Example")
    for waits_for in ("nothing", "the confirmation"):
        order_id = shop.place(person, {TEA: 2}).json()["order_id"]
        if waits_for != "nothing":
            shop.settled(person, order_id)
        answers = at_once([_cancelling(shop, person, order_id)] * _AT_ONCE)
        for answer in answers:
            held = answer.status_code in {202, 409}
            attempts.check("cancelling at once", held=held, seen=answer.text)
        order = shop.become(person, order_id, "cancelled", "fulfilled", "rejected", seconds=120)
        owed = order["total"]["amount"] if order["status"] == "fulfilled" else 0

        def settled(order_id: str = order_id, owed: int = owed) -> bool:
            return books.order(order_id).held() == owed

        wait_for(settled, "the money of a cancelled order", seconds=60)
        refunded = [intent.get("amount_refunded", 0) for intent in books.order(order_id).intents]
        attempts.check(
            "more than the total came back", held=sum(refunded) <= order["total"]["amount"], seen=refunded
        )


@pytest.mark.long
@pytest.mark.usefixtures("books")
def test_two_who_change_one_thing_lose_nothing(
    attempts: Attempts, shop: Shop, admin: Customer, attacker: Customer
) -> None:
    path, body = f"/products/{TEA}", shop.request("GET", f"/products/{TEA}").json()
    details = {name: body[name] for name in ("description", "category", "price", "active")}
    tag = shop.request("GET", path).headers["ETag"]
    answers = at_once(
        [
            _sending(shop, "PUT", path, admin, tag, {**details, "name": f"Tea {one}"})
            for one in range(_AT_ONCE)
        ]
    )
    _check_one_winner(attempts, "a product", answers)
    profile = shop.request("GET", "/users/me", token=attacker.token)
    answers = at_once(
        [
            _sending(
                shop,
                "PUT",
                "/users/me",
                attacker,
                profile.headers["ETag"],
                {"name": f"M {one}", "locale": "en"},
            )
            for one in range(_AT_ONCE)
        ]
    )
    _check_one_winner(attempts, "a profile", answers)
    movement = {"kind": "receipt", "quantity": 24, "reason": "Delivery"}
    key = str(uuid4())
    answers = at_once(
        [_sending(shop, "POST", f"/inventory/{TEA}/movements", admin, key, movement) for _ in range(_AT_ONCE)]
    )
    # The audit then compares the ledger with the stock.
    made = {one.json().get("movement_id") for one in answers}
    attempts.check("one delivery at once", held=len(made) == 1 and None not in made, seen=made)


def test_a_refused_payment_takes_no_money_however_often_it_is_tried(
    attempts: Attempts, shop: Shop, books: Auditor
) -> None:
    person = shop.sign_up("Declined Example")
    answers = at_once([_placing(shop, person, {TEA: 1}, card="pm_card_chargeDeclined") for _ in range(4)])
    for answer in answers:
        if answer.status_code != 201:
            attempts.refused("a declined card", answer, 429)
            continue
        order = shop.settled(person, answer.json()["order_id"])
        held = books.order(order["order_id"]).held()
        attempts.check("a declined card", held=(order["status"], held) == ("rejected", 0), seen=order)


def test_one_address_is_one_account(attempts: Attempts, shop: Shop) -> None:
    address = made_up_address(KIND, "Twin")
    spellings = (address, address.upper(), f" {address} ", address.title(), address)
    answers = at_once([_signing_up(shop, spelling) for spelling in spellings])
    made = [answer.json()["user_id"] for answer in answers if answer.status_code == 201]
    attempts.check("one address at once", held=len(made) == 1, seen=[one.text for one in answers])
    for answer in answers:
        if answer.status_code != 201:
            attempts.refused("an address that is taken", answer, 409, 422, 429)


def _check_one_winner(attempts: Attempts, thing: str, answers: list[requests.Response]) -> None:
    statuses = sorted(answer.status_code for answer in answers)
    attempts.check(f"{thing} changed at once", held=statuses.count(200) == 1, seen=statuses)
    for status in statuses[1:]:
        attempts.check(f"{thing} changed at once", held=status in {409, 412, 503}, seen=status)


def _placing(
    shop: Shop,
    person: Customer,
    lines: dict[str, int],
    *,
    key: str | None = None,
    card: str = "pm_card_visa",
) -> Callable[[], requests.Response]:
    return lambda: shop.place(person, lines, key=key, payment_token=card)


def _signing_up(shop: Shop, email: str) -> Callable[[], requests.Response]:
    body = {"email": email, "password": PASSWORD, "name": "Twin Example"}
    return lambda: shop.request("POST", "/users", json=body)


def _cancelling(shop: Shop, person: Customer, order_id: str) -> Callable[[], requests.Response]:
    return lambda: shop.request("POST", f"/orders/{order_id}/cancel", token=person.token)


def _sending(
    shop: Shop, method: str, path: str, person: Customer, tag: str, body: dict[str, Any]
) -> Callable[[], requests.Response]:
    headers = {"If-Match": tag} if method == "PUT" else {"Idempotency-Key": tag}
    return lambda: shop.request(method, path, token=person.token, headers=headers, json=body)
