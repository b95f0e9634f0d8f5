"""Each branch of the saga, by its effect on stock, money, parcel, order and mail on the deployed stack."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from orders.domain.order import Order
from orders.domain.saga_form import for_saga
from shared.clock import utc_now
from tests.system.back_doors import reads_mails
from tests.system.products import DARJEELING, RARE, TEA
from tests.system.trouble import broken_step
from tools.log_search import search
from tools.shop.audit import Auditor, OrderRecords
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

pytestmark = pytest.mark.usefixtures("undisturbed", "unhurried")


def settled_records(shop: Shop, auditor: Auditor, customer: Customer, order_id: str) -> OrderRecords:
    """The records of the order after it is settled."""
    shop.settled(customer, order_id, seconds=120)
    return auditor.order(order_id)


def available(auditor: Auditor, *skus: str) -> list[int]:
    """How many of each are for sale."""
    stock = auditor.stock()
    return [stock[sku]["available"] for sku in skus]


def test_a_confirmed_order_has_its_stock_money_and_parcel(
    shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    before = available(auditor, TEA, DARJEELING)

    placed = shop.place(customer, {TEA: 2, DARJEELING: 1}).json()
    found = settled_records(shop, auditor, customer, placed["order_id"])

    assert found.order["status"] == "confirmed"
    assert placed["total"] == {"amount": 2 * 790 + 1490 + 490, "currency": "EUR"}
    assert available(auditor, TEA, DARJEELING) == [before[0] - 2, before[1] - 1]
    assert found.reservation and found.reservation["status"] == "reserved"
    assert found.payment and found.payment["status"] in {"authorized", "capturing", "captured"}
    assert found.held() == placed["total"]["amount"]
    assert found.shipment and found.shipment["status"] == "created"


@reads_mails
@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_chargeDeclined"])
def test_a_decided_order_has_one_mail_to_its_customer(
    shop: Shop, auditor: Auditor, customer: Customer, card: str
) -> None:
    order_id = shop.place(customer, {TEA: 1}, payment_token=card).json()["order_id"]
    shop.settled(customer, order_id, seconds=120)

    mails = wait_for(lambda: auditor.order(order_id).mails, f"the mail about {order_id}", seconds=60)

    assert [mail["To"] for mail in mails] == [[customer.email]]


def test_an_order_for_more_than_there_is_takes_nothing_of_any_line(
    shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    before = available(auditor, TEA, DARJEELING)

    placed = shop.place(customer, {TEA: 1, DARJEELING: before[1] + 1}).json()
    found = settled_records(shop, auditor, customer, placed["order_id"])

    assert (found.order["status"], found.order["rejection_reason"]) == ("rejected", "out_of_stock")
    assert available(auditor, TEA, DARJEELING) == before
    assert found.intents == []
    assert found.shipment is None or found.shipment["status"] == "cancelled"


def test_a_declined_card_gives_the_stock_back(shop: Shop, auditor: Auditor, customer: Customer) -> None:
    before = available(auditor, TEA)

    placed = shop.place(customer, {TEA: 1}, payment_token="pm_card_chargeDeclined").json()
    found = settled_records(shop, auditor, customer, placed["order_id"])

    assert (found.order["status"], found.order["rejection_reason"]) == ("rejected", "payment_declined")
    assert available(auditor, TEA) == before
    assert found.held() == 0


def test_a_parcel_that_cannot_be_created_gives_money_and_stock_back(
    shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    before = available(auditor, TEA)

    placed = shop.place(customer, {TEA: 1}, country="AQ").json()
    found = settled_records(shop, auditor, customer, placed["order_id"])

    assert (found.order["status"], found.order["rejection_reason"]) == ("rejected", "address_not_served")
    assert available(auditor, TEA) == before
    assert found.payment and found.payment["status"] == "voided"
    assert len(found.intents) == 1
    assert found.held() == 0


@pytest.mark.parametrize("payment_token", ["pm_sandbox_timeout", "pm_sandbox_error"])
def test_a_provider_that_does_not_answer_leaves_nothing_held(
    shop: Shop, auditor: Auditor, customer: Customer, payment_token: str
) -> None:
    before = available(auditor, TEA)

    placed = shop.place(customer, {TEA: 1}, payment_token=payment_token).json()
    found = settled_records(shop, auditor, customer, placed["order_id"])

    assert (found.order["status"], found.order["rejection_reason"]) == ("rejected", "technical_failure")
    assert available(auditor, TEA) == before
    assert found.held() == 0


def test_a_provider_that_fails_once_is_asked_again_and_holds_the_money_once(
    shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    placed = shop.place(customer, {TEA: 1}, payment_token="pm_sandbox_flaky").json()
    found = settled_records(shop, auditor, customer, placed["order_id"])

    assert found.order["status"] == "confirmed"
    assert found.held() == placed["total"]["amount"]


def test_ten_customers_at_once_for_the_last_three_pieces_never_oversell(
    shop: Shop, auditor: Auditor, deliver: Callable[[str, int], None]
) -> None:
    deliver(RARE, 3 - available(auditor, RARE)[0])
    with ThreadPoolExecutor(10) as pool:
        customers = list(pool.map(shop.sign_up, [f"Racer{number}" for number in range(10)]))
        placed = list(pool.map(lambda buyer: shop.place(buyer, {RARE: 1}).json()["order_id"], customers))
    statuses = [
        shop.settled(buyer, order_id, seconds=120)["status"]
        for buyer, order_id in zip(customers, placed, strict=True)
    ]

    assert sorted(statuses) == ["confirmed"] * 3 + ["rejected"] * 7
    assert available(auditor, RARE) == [0]


@pytest.mark.parametrize(("country", "last_step"), [("DE", "confirm"), ("AQ", "abandon")])
def test_more_sagas_of_a_decided_order_start_under_one_name_and_change_nothing(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer, country: str, last_step: str
) -> None:
    order_id = shop.place(customer, {TEA: 1}, country=country).json()["order_id"]
    before = settled_records(shop, auditor, customer, order_id)
    order = for_saga(Order.model_validate(before.order))

    def ended() -> bool:
        lines = search(stack, stack.functions, order_id, since=utc_now() - timedelta(minutes=15))
        steps = [line.fields for line in lines if line.fields.get("execution") == "more"]
        return len([fields for fields in steps if fields.get("step") == last_step]) == 2

    carried = order.model_copy(update={"execution": "more"}).model_dump()
    for _ in range(2):
        stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.resource("OrderSaga"),
            name=f"{order_id}-saga",
            input=json.dumps({"order": carried}),
        )
    wait_for(ended, "both sagas to end", seconds=60)

    after = auditor.orders()[order_id]
    assert after.order["history"] == before.order["history"]
    assert (after.held(), len(after.intents)) == (before.held(), len(before.intents))
    assert (after.reservation, after.shipment) == (before.reservation, before.shipment)
    assert [wrong for wrong in auditor.audit().violations if order_id in wrong] == []


def test_a_compensation_that_fails_does_not_stop_the_others_and_parks_the_order_with_its_whole_state(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    before = available(auditor, TEA)

    with broken_step(stack, "ShippingStepsFunction", "cancel"):
        placed = shop.place(customer, {TEA: 1}, country="AQ").json()
        order = shop.settled(customer, placed["order_id"], seconds=180)

    found = auditor.order(placed["order_id"])
    assert order["status"] == "parked"
    assert available(auditor, TEA) == before
    assert found.held() == 0
    for part in ("cancel_shipment_error", "address_not_served", placed["order_id"]):
        assert part in found.order["parked_state"]
