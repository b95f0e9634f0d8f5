"""What stopped half way, on the deployed stack: an operator resumes parked orders, the reconcilers mend the rest."""

import os
import subprocess
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from payments.adapters.observation_store import ObservationStore
from payments.adapters.payment_store import PaymentStore
from payments.domain.intent import ProviderStatus
from payments.domain.observation import Observation
from shared.clock import utc_now
from tests.system.products import TEA
from tests.system.trouble import broken_step, coming_often, configured, not_listening
from tools.shop.audit import Auditor, OrderRecords
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    """Someone who runs the shop."""
    return shop.admin()


@pytest.fixture(scope="module")
def all_parked(stack: Stack, shop: Shop, customer: Customer) -> list[str]:
    """The ids of orders, one a test, that are parked since their parcels could not be cancelled; they can by now."""
    with broken_step(stack, "ShippingStepsFunction", "cancel"):
        ids = [shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"] for _ in range(3)]
        assert {shop.settled(customer, order_id, seconds=180)["status"] for order_id in ids} == {"parked"}
    return ids


@pytest.fixture
def parked(all_parked: list[str]) -> str:
    """The id of an order that is parked, and the test's own."""
    return all_parked.pop()


def needing_attention(shop: Shop, admin: Customer) -> dict[str, list[str]]:
    """The ids of the parked and of the stuck orders, as operators list them."""
    answer = shop.request("GET", "/orders/attention?limit=100", token=admin.token)
    answer.raise_for_status()
    return {kind: [entry["order_id"] for entry in entries] for kind, entries in answer.json().items()}


def resume(shop: Shop, admin: Customer, order_id: str) -> Any:
    return shop.request("POST", f"/orders/{order_id}/resume", token=admin.token)


def nothing_is_left_of(found: OrderRecords) -> bool:
    return (
        found.held() == 0
        and (found.reservation is None or found.reservation["status"] == "released")
        and (found.shipment is None or found.shipment["status"] == "cancelled")
    )


def test_a_parked_order_is_listed_resumed_and_rejected_for_what_its_saga_failed_for(
    shop: Shop, auditor: Auditor, customer: Customer, admin: Customer, parked: str
) -> None:
    assert parked in needing_attention(shop, admin)["parked"]

    answers = [resume(shop, admin, parked) for _ in range(2)]
    order = shop.settled(customer, parked, seconds=120)

    assert answers[0].status_code == 202
    assert (order["status"], order["rejection_reason"]) == ("rejected", "address_not_served")
    assert [entry["status"] for entry in order["history"]] == [
        "placed",
        "abandoned",
        "parked",
        "abandoned",
        "rejected",
    ]
    assert nothing_is_left_of(auditor.order(parked))
    assert [wrong for wrong in auditor.audit().violations if parked in wrong] == []
    assert parked not in needing_attention(shop, admin)["parked"]
    assert resume(shop, admin, parked).json()["type"].endswith("/cannot-be-resumed")


def test_the_command_resumes_an_order_and_says_how_it_ended(
    stack: Stack, admin: Customer, parked: str
) -> None:
    command = ["resume", parked, "--stack", stack.name, "--region", stack.region]
    done = subprocess.run(  # noqa: S603 - this program's own command
        [sys.executable, "-m", "tools", *command],
        env=os.environ | {"TOKEN": admin.token},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"{parked} is rejected.\n")


def test_an_order_that_still_cannot_be_undone_is_parked_again(
    stack: Stack, shop: Shop, customer: Customer, admin: Customer, parked: str
) -> None:
    with broken_step(stack, "ShippingStepsFunction", "cancel"):
        resume(shop, admin, parked)
        order = shop.settled(customer, parked, seconds=180)
    assert [entry["status"] for entry in order["history"]] == [
        "placed",
        "abandoned",
        "parked",
        "abandoned",
        "parked",
    ]

    resume(shop, admin, parked)

    assert shop.settled(customer, parked, seconds=120)["rejection_reason"] == "address_not_served"


def test_orders_that_lost_their_saga_or_whose_saga_died_come_to_their_end_by_themselves(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    died = _whose_saga_died(stack, shop, auditor, customer)
    lost = _whose_saga_never_started(stack, shop, customer)
    assert auditor.order(died).held() > 0

    with ExitStack() as settings:
        settings.enter_context(configured(stack, "OrdersReconcileFunction", OVERDUE_AFTER_SECONDS="1"))
        settings.enter_context(coming_often(stack, "OrdersReconcileFunctionSchedule"))
        ended = {order_id: shop.settled(customer, order_id, seconds=240) for order_id in (died, lost)}

    assert ended[lost]["status"] in {"confirmed", "fulfilled"}
    assert (ended[died]["status"], ended[died]["rejection_reason"]) == ("rejected", "address_not_served")
    assert nothing_is_left_of(auditor.order(died))
    assert [wrong for wrong in auditor.audit().violations if died in wrong or lost in wrong] == []


def test_money_that_the_provider_holds_for_a_voided_payment_goes_back_by_itself(
    stack: Stack, shop: Shop, auditor: Auditor, customer: Customer
) -> None:
    order_id = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]
    shop.settled(customer, order_id, seconds=120)
    payment = auditor.order(order_id).payment
    assert payment
    reference = payment["provider_reference"]
    # The provider tells whole seconds. What it says in the second of our last change may be older than that.
    changed = datetime.fromisoformat(payment["updated_at"])
    wait_for(lambda: utc_now() > changed + timedelta(seconds=1), "the next second", seconds=5)
    _hold_again(stack, order_id, reference)
    assert auditor.order(order_id).held() > 0

    with coming_often(stack, "PaymentsReconcileFunctionSchedule"):
        wait_for(lambda: auditor.order(order_id).held() == 0, "the money to go back", seconds=150)

    assert [wrong for wrong in auditor.audit().violations if order_id in wrong] == []


def _hold_again(stack: Stack, order_id: str, reference: str) -> None:
    """Makes the provider hold the money of a cancelled intent, and its webhook have said so."""
    dynamodb = stack.client("dynamodb")
    dynamodb.update_item(
        TableName=stack.resource("PaymentsSandboxTable"),
        Key={"pk": {"S": f"intent#{reference}"}},
        UpdateExpression="SET #status = :held",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":held": {"S": "requires_capture"}},
    )
    now = int(utc_now().timestamp()) + 1
    observation = Observation(
        reference=reference,
        order_id=order_id,
        provider_status=ProviderStatus.HELD,
        observed_at=now,
        event_id=f"evt_{reference}",
    )
    payment = PaymentStore(dynamodb, stack.resource("PaymentsTable")).find(order_id)
    ObservationStore(dynamodb, stack.resource("PaymentsObservationsTable")).record(
        observation.event_id, observation.compared(payment), now
    )


def _whose_saga_died(stack: Stack, shop: Shop, auditor: Auditor, customer: Customer) -> str:
    """The id of an order whose saga ended while the money was held, and could not even abandon the order."""

    def holds_money() -> bool:
        return auditor.order(order_id).held() > 0

    with broken_step(stack, "OrdersStepsFunction", "abandon"):
        order_id: str = shop.place(customer, {TEA: 1}, country="AQ").json()["order_id"]
        wait_for(holds_money, f"the money of {order_id}", seconds=60)
    return order_id


def _whose_saga_never_started(stack: Stack, shop: Shop, customer: Customer) -> str:
    """The id of an order whose `order.placed` got lost on its way to the saga."""
    sqs = stack.client("sqs")
    queue = stack.resource("OrdersStartExecutionsQueue")
    with not_listening(stack, "OrdersStartExecutionsFunction", "OrdersStartExecutionsQueue"):
        order_id: str = shop.place(customer, {TEA: 1}).json()["order_id"]

        def waits() -> bool:
            attributes = sqs.get_queue_attributes(
                QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
            )["Attributes"]
            return int(attributes["ApproximateNumberOfMessages"]) > 0

        wait_for(waits, "the message that gets lost", seconds=30)
    return order_id
