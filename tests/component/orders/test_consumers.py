"""The consumers of orders, and their relay, through the real handlers, against a pretended AWS."""

import json
from typing import Any

import boto3
import pytest

from orders.domain.order import Order, order_id_for
from orders.domain.saga_form import for_saga
from orders.domain.status import Canceller, RejectionReason
from shared.clock import utc_now
from shared.events import Event
from shared.saga import SagaOrder
from tests.component.orders.account import OrdersAccount, placed_order
from tests.component.orders.functions import StateMachines, dead_letters_in, delivery, example, fresh
from tests.made_up import made_up_event
from tests.order_placed import PLACED_V1


def requested(order: Order, event_type: str = "order.cancellation_requested") -> str:
    """The body of a message that asks for the order's cancellation or resumption."""
    return made_up_event(
        event_type,
        aggregate_id=order.order_id,
        aggregate_version=order.version,
        occurred_at=utc_now(),
        correlation_id=order.correlation_id,
        data={"order_id": order.order_id},
    ).model_dump_json()


def product_changed(version: int, amount: int, changes: dict[str, Any] | None = None) -> str:
    """The body of a message about TEA's new version."""
    price = {"amount": amount, "currency": "EUR"}
    data = {"sku": "TEA", "name": "Tea", "price": price, "active": True, "version": version}
    return made_up_event(
        "product.changed",
        aggregate_id="TEA",
        aggregate_version=version,
        occurred_at=utc_now(),
        correlation_id="c-1",
        data={**data, **(changes or {})},
    ).model_dump_json()


@pytest.mark.usefixtures("dead_letters")
class TestPrices:
    def test_a_product_can_be_ordered_once_its_change_arrived(
        self, account: OrdersAccount, lambda_context: Any
    ) -> None:
        prices = fresh("orders.functions.record_prices")

        assert prices.handler(example("orders_record_prices"), lambda_context) == {"batchItemFailures": []}

        assert account.price("TEA-ASSAM-100") == (790, True, 1)

    @pytest.mark.parametrize("late", [1, 2])
    def test_an_older_version_or_the_same_again_changes_nothing(
        self, account: OrdersAccount, lambda_context: Any, late: int
    ) -> None:
        prices = fresh("orders.functions.record_prices")
        prices.handler(delivery(product_changed(2, 990)), lambda_context)

        answer = prices.handler(delivery(product_changed(late, 1)), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert account.price("TEA") == (990, True, 2)

    def test_a_newer_version_replaces_an_older_one_and_may_end_the_sale(
        self, account: OrdersAccount, lambda_context: Any
    ) -> None:
        prices = fresh("orders.functions.record_prices")
        prices.handler(
            delivery(product_changed(1, 790), product_changed(3, 990, {"active": False})), lambda_context
        )
        assert account.price("TEA") == (990, False, 3)

    @pytest.mark.parametrize(
        "changes", [{"price": {"amount": "much", "currency": "EUR"}}, {"price": None}, {"version": 0}]
    )
    def test_an_event_that_makes_no_sense_is_a_dead_letter_at_once_and_stops_no_other(
        self, account: OrdersAccount, dead_letters: str, lambda_context: Any, changes: dict[str, Any]
    ) -> None:
        prices = fresh("orders.functions.record_prices")
        senseless = product_changed(1, 1, changes)

        answer = prices.handler(delivery(senseless, product_changed(4, 990)), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert account.price("TEA") == (990, True, 4)
        [(body, reason)] = dead_letters_in(dead_letters)
        assert body == senseless
        assert reason.startswith("ValidationError")


@pytest.fixture
def state_machines(account: OrdersAccount, monkeypatch: pytest.MonkeyPatch) -> StateMachines:
    """The state machines that the consumer under test starts."""
    return StateMachines(monkeypatch)


@pytest.fixture
def placed(account: OrdersAccount) -> str:
    """The id of the order of the examples, as it is stored when it is placed."""
    item = example("orders_relay")["Records"][0]["dynamodb"]["NewImage"]
    boto3.client("dynamodb").put_item(TableName="orders", Item=item)
    order_id: str = item["pk"]["S"]
    return order_id


PLACED = example("orders_start_executions")["Records"][0]["body"]
BOTH_VERSIONS = pytest.mark.parametrize(
    "message", [PLACED_V1.model_dump_json(), PLACED], ids=["version 1", "version 2"]
)


def cancelled_before_its_saga(order: Order) -> Any:
    return order.request_cancellation(Canceller.CUSTOMER, utc_now())


def abandoned(order: Order) -> Any:
    return order.abandon(RejectionReason.OUT_OF_STOCK, utc_now())


def rejected(order: Order) -> Any:
    return abandoned(order)[0].cancel(utc_now())


def confirmed_before(order: Order) -> Any:
    return order.confirm(utc_now())


def parked(order: Order) -> Any:
    return abandoned(order)[0].park("{}", utc_now())


def erased(order: Order) -> Any:
    return order.erase(utc_now())


@pytest.mark.usefixtures("account", "dead_letters")
class TestStartSaga:
    def test_the_two_versions_differ_in_the_personal_data_of_the_order(self) -> None:
        event = Event.model_validate_json(PLACED)

        assert (PLACED_V1.event_version, event.event_version) == (1, 2)
        assert PLACED_V1.event_id == event.event_id
        assert PLACED_V1.data["order"].keys() - event.data.keys() == {
            "correlation_id",
            "shipping_address",
            "payment_token",
        }

    @BOTH_VERSIONS
    @pytest.mark.usefixtures("placed")
    def test_a_placed_order_starts_a_saga_without_its_address_and_its_payment_token(
        self, state_machines: StateMachines, lambda_context: Any, message: str
    ) -> None:
        consumer = fresh("orders.functions.start_executions")

        answer = consumer.handler(delivery(message), lambda_context)

        assert answer == {"batchItemFailures": []}
        order = example("orders_steps_confirm")["order"]
        [(name, given)] = state_machines.executions(state_machines.saga)
        assert name == f"{order['order_id']}-saga"
        assert given["order"] == {**order, "execution": name}

    @BOTH_VERSIONS
    def test_an_order_that_cannot_be_found_is_delivered_again(
        self, dead_letters: str, state_machines: StateMachines, lambda_context: Any, message: str
    ) -> None:
        consumer = fresh("orders.functions.start_executions")

        answer = consumer.handler(delivery(message, "no event"), lambda_context)

        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert state_machines.executions(state_machines.saga) == []
        assert [body for body, _ in dead_letters_in(dead_letters)] == ["no event"]

    @BOTH_VERSIONS
    def test_an_order_that_was_erased_before_its_saga_started_gets_none(
        self, placed: str, state_machines: StateMachines, lambda_context: Any, logged: Any, message: str
    ) -> None:
        """Version 1 has the address and the payment token, and the saga still must not get them."""
        from orders.dependencies import order_store

        order_store().change(placed, erased)
        consumer = fresh("orders.functions.start_executions")

        answer = consumer.handler(delivery(message), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert state_machines.executions(state_machines.saga) == []
        assert [(line["status"], line["erased"]) for line in logged("saga not started")] == [
            ("cancelling", True)
        ]

    @BOTH_VERSIONS
    @pytest.mark.parametrize(
        "change", [abandoned, rejected, confirmed_before, parked, cancelled_before_its_saga]
    )
    def test_an_order_that_is_decided_or_is_being_undone_gets_none(
        self, placed: str, state_machines: StateMachines, lambda_context: Any, message: str, change: Any
    ) -> None:
        from orders.dependencies import order_store

        order_store().change(placed, change)
        consumer = fresh("orders.functions.start_executions")

        assert consumer.handler(delivery(message), lambda_context) == {"batchItemFailures": []}

        assert state_machines.executions(state_machines.saga) == []

    @pytest.mark.usefixtures("placed")
    def test_a_saga_that_could_not_be_started_is_delivered_again(
        self, dead_letters: str, state_machines: StateMachines, lambda_context: Any
    ) -> None:
        consumer = fresh("orders.functions.start_executions")
        boto3.client("stepfunctions").delete_state_machine(stateMachineArn=state_machines.saga)
        batch = {
            "Records": [*example("orders_start_executions")["Records"], *delivery("no event")["Records"]]
        }

        answer = consumer.handler(batch, lambda_context)

        assert answer == {
            "batchItemFailures": [
                {"itemIdentifier": example("orders_start_executions")["Records"][0]["messageId"]}
            ]
        }
        assert [body for body, _ in dead_letters_in(dead_letters)] == ["no event"]


@pytest.mark.usefixtures("dead_letters")
class TestStartCancellation:
    @pytest.fixture
    def confirmed(self, placed: str) -> Order:
        """The order of the examples, confirmed, which its customer has cancelled."""
        from orders.dependencies import order_store

        order_store().change(placed, lambda order: order.confirm(utc_now()))
        return order_store().change(
            placed, lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now())
        )

    def test_a_cancellation_starts_once_and_carries_no_personal_data(
        self, confirmed: Order, state_machines: StateMachines, lambda_context: Any
    ) -> None:
        consumer = fresh("orders.functions.start_executions")

        for _ in range(2):
            answer = consumer.handler(delivery(requested(confirmed)), lambda_context)
            assert answer == {"batchItemFailures": []}

        [(name, given)] = state_machines.executions(state_machines.cancellation)
        assert name == confirmed.order_id
        carried = for_saga(confirmed).model_copy(update={"execution": name})
        order = carried.model_dump()
        assert given == {"order": order, "was_confirmed": True, "failed_because": None}
        assert not {"payment_token", "shipping_address"} & given["order"].keys()
        assert SagaOrder.model_validate(given["order"]) == carried, "the steps can read it"

    def test_an_abandoned_order_is_undone_and_its_execution_knows_that_no_parcel_can_have_left(
        self, placed: str, state_machines: StateMachines, lambda_context: Any
    ) -> None:
        from orders.dependencies import order_store

        order = order_store().change(placed, abandoned)
        consumer = fresh("orders.functions.start_executions")

        answer = consumer.handler(delivery(requested(order, "order.abandoned")), lambda_context)

        assert answer == {"batchItemFailures": []}
        [(name, given)] = state_machines.executions(state_machines.cancellation)
        assert (name, given["was_confirmed"], given["failed_because"]) == (placed, False, "out_of_stock")

    @pytest.mark.parametrize("first_is", ["running", "over"])
    def test_a_second_delivery_starts_no_second_cancellation(
        self,
        confirmed: Order,
        state_machines: StateMachines,
        lambda_context: Any,
        logged: Any,
        first_is: str,
    ) -> None:
        """Starting one again is fine while it runs, and is ExecutionAlreadyExists afterwards."""
        consumer = fresh("orders.functions.start_executions")
        consumer.handler(delivery(requested(confirmed)), lambda_context)
        if first_is == "over":
            sfn = boto3.client("stepfunctions")
            [first] = sfn.list_executions(stateMachineArn=state_machines.cancellation)["executions"]
            sfn.stop_execution(executionArn=first["executionArn"])

        answer = consumer.handler(delivery(requested(confirmed)), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert len(state_machines.executions(state_machines.cancellation)) == 1
        assert len(logged("execution was started before")) == (1 if first_is == "over" else 0)

    def test_each_resumption_starts_one_execution_of_its_own_however_often_it_is_delivered(
        self, confirmed: Order, state_machines: StateMachines, lambda_context: Any
    ) -> None:
        from orders.dependencies import order_store

        consumer = fresh("orders.functions.start_executions")
        for _ in range(2):
            order_store().change(confirmed.order_id, lambda order: order.park("{}", utc_now()))
            resumed = order_store().change(confirmed.order_id, lambda order: order.resume(utc_now()))
            for _ in range(2):
                body = requested(resumed, "order.resumption_requested")
                consumer.handler(delivery(body), lambda_context)

        names = sorted(name for name, _ in state_machines.executions(state_machines.cancellation))
        assert names == [f"{confirmed.order_id}-1", f"{confirmed.order_id}-2"]

    def test_a_cancellation_of_an_order_that_cannot_be_found_is_delivered_again(
        self, account: OrdersAccount, dead_letters: str, state_machines: StateMachines, lambda_context: Any
    ) -> None:
        consumer = fresh("orders.functions.start_executions")
        never_placed, _ = placed_order()
        batch = delivery(requested(never_placed), "no event")

        answer = consumer.handler(batch, lambda_context)

        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert state_machines.executions(state_machines.cancellation) == []
        assert [body for body, _ in dead_letters_in(dead_letters)] == ["no event"]


@pytest.mark.usefixtures("account")
class TestRelay:
    def test_a_placed_order_goes_out_to_the_subscribers_of_placed_orders(
        self, subscriber: Any, lambda_context: Any
    ) -> None:
        received = subscriber("order.placed")

        answer = fresh("orders.functions.relay").handler(example("orders_relay"), lambda_context)

        assert answer == {"batchItemFailures": []}
        [event] = received()
        [record] = example("orders_start_executions")["Records"]
        assert event == json.loads(record["body"]), "what one example sends the other receives"


def test_the_examples_are_about_one_order() -> None:
    [change] = example("orders_relay")["Records"]
    placement = example("orders_api")
    customer = placement["requestContext"]["authorizer"]["claims"]["sub"]
    order_id = order_id_for(customer, placement["headers"]["Idempotency-Key"])
    assert change["dynamodb"]["Keys"]["pk"]["S"] == order_id
    assert example("orders_steps_confirm")["order"]["order_id"] == order_id
