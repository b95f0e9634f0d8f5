"""The orders service's consumers, saga steps and relay, through their real handlers, against a pretended AWS."""

import importlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from orders.domain import AccountClosed, Canceller, IllegalTransition, Order, order_id_for
from orders.placement import OrderRequest
from orders.pricing import Price
from orders.store import OrderContended, OrderMissing
from shared.aws import client
from shared.clock import utc_now
from shared.money import Money
from shared.saga import SagaOrder
from tests.component.orders_account import ADDRESS, OrdersAccount, order_body, orders_account
from tests.made_up import made_up_event

EVENTS = Path(__file__).parents[2] / "events"


def example(name: str) -> dict[str, Any]:
    """The example event of a function."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def fresh(name: str) -> ModuleType:
    """The module as a new execution environment imports it."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def delivery(*bodies: str) -> dict[str, Any]:
    """The SQS batch of messages with `bodies`."""
    [record] = example("orders_prices")["Records"]
    return {
        "Records": [
            {**record, "messageId": f"message-{position}", "body": body}
            for position, body in enumerate(bodies)
        ]
    }


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> OrdersAccount:
    return orders_account(monkeypatch)


@pytest.fixture
def dead_letters(account: OrdersAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the dead-letter queue of the consumer under test."""
    url: str = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", url)
    return url


def buried(url: str) -> list[tuple[str, str]]:
    """Body and reason of the dead letters."""
    answer = boto3.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return [
        (message["Body"], message["MessageAttributes"]["reason"]["StringValue"])
        for message in answer.get("Messages", [])
    ]


def product_changed(version: int, amount: int, changes: dict[str, Any] | None = None) -> str:
    """The body of a message that tells of TEA's new version."""
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
        prices = fresh("orders.prices")

        assert prices.handler(example("orders_prices"), lambda_context) == {"batchItemFailures": []}

        assert account.price("TEA-ASSAM-100") == (790, True, 1)

    @pytest.mark.parametrize("late", [1, 2])
    def test_an_older_version_or_the_same_again_changes_nothing(
        self, account: OrdersAccount, lambda_context: Any, late: int
    ) -> None:
        prices = fresh("orders.prices")
        prices.handler(delivery(product_changed(2, 990)), lambda_context)

        answer = prices.handler(delivery(product_changed(late, 1)), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert account.price("TEA") == (990, True, 2)

    def test_a_newer_version_replaces_an_older_one_and_may_end_the_sale(
        self, account: OrdersAccount, lambda_context: Any
    ) -> None:
        prices = fresh("orders.prices")
        prices.handler(
            delivery(product_changed(1, 790), product_changed(3, 990, {"active": False})), lambda_context
        )
        assert account.price("TEA") == (990, False, 3)

    @pytest.mark.parametrize(
        "changes", [{"price": {"amount": "much", "currency": "EUR"}}, {"price": None}, {"version": 0}]
    )
    def test_an_event_that_makes_no_sense_is_buried_at_once_and_stops_no_other(
        self, account: OrdersAccount, dead_letters: str, lambda_context: Any, changes: dict[str, Any]
    ) -> None:
        prices = fresh("orders.prices")
        senseless = product_changed(1, 1, changes)

        answer = prices.handler(delivery(senseless, product_changed(4, 990)), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert account.price("TEA") == (990, True, 4)
        [(body, reason)] = buried(dead_letters)
        assert body == senseless
        assert reason.startswith("ValidationError")


@pytest.fixture
def state_machine(account: OrdersAccount, monkeypatch: pytest.MonkeyPatch) -> str:
    """The state machine that the consumer under test starts."""
    arn: str = boto3.client("stepfunctions").create_state_machine(
        name="machine",
        definition=json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )["stateMachineArn"]
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    return arn


def executions(state_machine: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and input of the executions that were started."""
    sfn = boto3.client("stepfunctions")
    return [
        (
            execution["name"],
            json.loads(sfn.describe_execution(executionArn=execution["executionArn"])["input"]),
        )
        for execution in sfn.list_executions(stateMachineArn=state_machine)["executions"]
    ]


@pytest.mark.usefixtures("account", "dead_letters")
class TestStartSaga:
    def test_a_placed_order_starts_a_saga_that_bears_its_id(
        self, state_machine: str, lambda_context: Any
    ) -> None:
        start_saga = fresh("orders.start_saga")

        answer = start_saga.handler(example("orders_start_saga"), lambda_context)

        assert answer == {"batchItemFailures": []}
        order = example("orders_confirm")["order"]
        [(name, given)] = executions(state_machine)
        assert name == order["order_id"]
        address = {"line2": None, **order["shipping_address"]}
        assert given["order"] == {**order, "shipping_address": address, "execution": order["order_id"]}

    @pytest.mark.parametrize("first_is", ["running", "over"])
    def test_a_second_delivery_starts_no_second_saga(
        self, dead_letters: str, state_machine: str, lambda_context: Any, logged: Any, first_is: str
    ) -> None:
        """Starting one again is fine while it runs, and is ExecutionAlreadyExists afterwards."""
        start_saga = fresh("orders.start_saga")
        start_saga.handler(example("orders_start_saga"), lambda_context)
        if first_is == "over":
            sfn = boto3.client("stepfunctions")
            [first] = sfn.list_executions(stateMachineArn=state_machine)["executions"]
            sfn.stop_execution(executionArn=first["executionArn"])

        answer = start_saga.handler(example("orders_start_saga"), lambda_context)

        assert answer == {"batchItemFailures": []}
        assert len(executions(state_machine)) == 1
        assert len(logged("execution was started before")) == (1 if first_is == "over" else 0)
        assert buried(dead_letters) == []

    def test_a_saga_that_could_not_be_started_is_delivered_again(
        self, dead_letters: str, state_machine: str, lambda_context: Any
    ) -> None:
        start_saga = fresh("orders.start_saga")
        boto3.client("stepfunctions").delete_state_machine(stateMachineArn=state_machine)
        batch = {"Records": [*example("orders_start_saga")["Records"], *delivery("no event")["Records"]]}

        answer = start_saga.handler(batch, lambda_context)

        assert answer == {
            "batchItemFailures": [{"itemIdentifier": example("orders_start_saga")["Records"][0]["messageId"]}]
        }
        assert [body for body, _ in buried(dead_letters)] == ["no event"]


@pytest.mark.usefixtures("dead_letters")
class TestStartCancellation:
    @pytest.fixture
    def confirmed(self, account: OrdersAccount) -> Order:
        """The order of the examples, confirmed, which its customer has cancelled."""
        from orders.resources import order_store

        item = example("orders_relay")["Records"][0]["dynamodb"]["NewImage"]
        boto3.client("dynamodb").put_item(TableName="orders", Item=item)
        order_id = item["pk"]["S"]
        order_store().change(order_id, lambda order: order.confirm(utc_now()))
        return order_store().change(
            order_id, lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now())
        )

    def test_a_cancellation_starts_once_and_carries_no_personal_data(
        self, confirmed: Order, state_machine: str, lambda_context: Any
    ) -> None:
        start_cancellation = fresh("orders.start_cancellation")

        for _ in range(2):
            answer = start_cancellation.handler(example("orders_start_cancellation"), lambda_context)
            assert answer == {"batchItemFailures": []}

        [(name, given)] = executions(state_machine)
        assert name == confirmed.order_id
        carried = confirmed.for_cancellation().model_copy(update={"execution": name})
        assert given == {"order": carried.model_dump(mode="json")}
        assert (given["order"]["payment_token"], given["order"]["shipping_address"]["city"]) == ("", "")
        assert SagaOrder.model_validate(given["order"]) == carried, "the steps can read it"

    def test_each_resumption_starts_an_execution_of_its_own_however_often_it_is_told(
        self, confirmed: Order, state_machine: str, lambda_context: Any
    ) -> None:
        from orders.resources import order_store

        start_cancellation = fresh("orders.start_cancellation")
        for _ in range(2):
            order_store().change(confirmed.order_id, lambda order: order.park("{}", utc_now()))
            resumed = order_store().change(confirmed.order_id, lambda order: order.resume(utc_now()))
            requested = made_up_event(
                "order.resumption_requested",
                aggregate_id=resumed.order_id,
                aggregate_version=resumed.version,
                occurred_at=utc_now(),
                correlation_id=resumed.correlation_id,
                data={"order_id": resumed.order_id},
            )
            for _ in range(2):
                start_cancellation.handler(delivery(requested.model_dump_json()), lambda_context)

        names = sorted(name for name, _ in executions(state_machine))
        assert names == [f"{confirmed.order_id}-1", f"{confirmed.order_id}-2"]

    def test_a_cancellation_of_an_order_that_cannot_be_found_is_delivered_again(
        self, account: OrdersAccount, dead_letters: str, state_machine: str, lambda_context: Any
    ) -> None:
        start_cancellation = fresh("orders.start_cancellation")
        [record] = example("orders_start_cancellation")["Records"]
        batch = {"Records": [record, *delivery("no event")["Records"]]}

        answer = start_cancellation.handler(batch, lambda_context)

        assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
        assert executions(state_machine) == []
        assert [body for body, _ in buried(dead_letters)] == ["no event"]


class Erasure:
    """The consumer of `user.deleted` with its own queue."""

    def __init__(self, context: Any, queue: str) -> None:
        self._context = context
        self._queue = queue
        self.module = fresh("orders.erase")

    def deliver(self, body: str) -> dict[str, Any]:
        """What the function answers to a message."""
        [record] = example("orders_erase")["Records"]
        answer: dict[str, Any] = self.module.handler({"Records": [{**record, "body": body}]}, self._context)
        return answer

    def sent(self) -> list[tuple[str, int]]:
        """The messages that the function has sent to its own queue, and their delays in seconds."""
        return [
            (call["MessageBody"], call["DelaySeconds"])
            for call in self.calls
            if call["QueueUrl"] == self._queue
        ]

    calls: list[dict[str, Any]]


@pytest.mark.usefixtures("dead_letters")
class TestErase:
    @pytest.fixture
    def erasure(self, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Erasure:
        queue = boto3.client("sqs").create_queue(QueueName="erase")["QueueUrl"]
        monkeypatch.setenv("QUEUE_URL", queue)
        erasure = Erasure(lambda_context, queue)
        erasure.calls = []
        send = client("sqs").send_message

        def send_message(**message: Any) -> Any:
            erasure.calls.append(message)
            return send(**message)

        monkeypatch.setattr(client("sqs"), "send_message", send_message)
        return erasure

    @staticmethod
    def place(count: int, customer: str = "ada") -> list[str]:
        """The ids of `count` orders of the customer's, placed a second apart."""
        from orders.resources import order_store

        price = Price(sku="TEA", price=Money(amount=790, currency="EUR"), active=True, version=1)
        ids = []
        for number in range(count):
            order, events = Order.place(
                OrderRequest.model_validate(order_body(("TEA", 2))),
                {"TEA": price},
                customer_id=customer,
                idempotency_key=f"key-{number}",
                correlation_id="c-1",
                now=datetime(2026, 11, 21, 10, 15, tzinfo=UTC) + timedelta(seconds=number),
            )
            ids.append(order_store().add(order, events).order_id)
        return ids

    @staticmethod
    def told(customer: str, **data: Any) -> str:
        """The body of a message that the customer's account was deleted."""
        return made_up_event(
            "user.deleted",
            aggregate_id=customer,
            aggregate_version=3,
            occurred_at=utc_now(),
            correlation_id="c-2",
            data={"user_id": customer, **data},
        ).model_dump_json()

    def test_nothing_personal_is_left_of_the_customers_orders_and_others_are_untouched(
        self, account: OrdersAccount, erasure: Erasure
    ) -> None:
        hers, [other] = self.place(3), self.place(1, "eve")
        untouched = account.order(other)

        assert erasure.deliver(self.told("ada")) == {"batchItemFailures": []}

        for order_id in hers:
            stored = json.dumps(account.order(order_id))
            personal = [text for name, text in ADDRESS.items() if name != "country"]
            assert [text for text in [*personal, "pm_card_visa"] if text in stored] == [], (
                "not in its outbox either"
            )
            assert account.order(order_id)["shipping_address"]["country"] == "DE"
            assert account.order(order_id)["erased_at"]
        assert account.order(other) == untouched

    def test_a_second_delivery_changes_nothing(self, account: OrdersAccount, erasure: Erasure) -> None:
        [order_id] = self.place(1)
        erasure.deliver(self.told("ada"))
        stored = account.order(order_id)

        assert erasure.deliver(self.told("ada")) == {"batchItemFailures": []}

        assert account.order(order_id) == stored

    def test_an_account_of_any_size_is_erased_page_by_page_and_comes_to_an_end(
        self, account: OrdersAccount, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erasure.module, "PAGE", 2)
        ids = self.place(5)
        erasure.deliver(self.told("ada"))
        assert sum("erased_at" in account.order(order_id) for order_id in ids) == 2, "one page a message"

        for _ in range(2):
            body, delay = erasure.sent()[-1]
            assert delay == 0
            erasure.deliver(body)

        assert all("erased_at" in account.order(order_id) for order_id in ids)
        assert len(erasure.sent()) == 3
        again, delay = erasure.sent()[-1]
        assert (json.loads(again)["data"], delay) == ({"user_id": "ada", "after": None}, 60)

    def test_an_order_whose_placement_was_under_way_is_found_later_and_then_it_ends(
        self, account: OrdersAccount, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        erasure.deliver(self.told("ada"))
        [late] = self.place(1)
        [(again, _)] = erasure.sent()
        later = utc_now() + timedelta(seconds=61)
        monkeypatch.setattr(erasure.module, "utc_now", lambda: later)

        erasure.deliver(again)

        assert "erased_at" in account.order(late)
        assert len(erasure.sent()) == 1, "it does not go on for ever"

    def test_the_account_can_place_nothing_from_the_first_page_on(
        self, account: OrdersAccount, erasure: Erasure
    ) -> None:
        from orders.resources import order_store

        erasure.deliver(self.told("ada"))

        with pytest.raises(AccountClosed):
            order_store().find_for_placement("ord_1", "ada")
        assert order_store().find_for_placement("ord_1", "eve") is None

    def test_an_order_that_changes_meanwhile_is_erased_as_it_has_become(
        self, account: OrdersAccount, erasure: Erasure, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from orders.resources import order_store

        [order_id] = self.place(1)
        store, read = order_store(), order_store().find

        def find_and_be_overtaken(wanted: str) -> Order | None:
            order = read(wanted)
            monkeypatch.setattr(store, "find", read)
            store.change(wanted, lambda current: current.confirm(utc_now()))
            return order

        monkeypatch.setattr(store, "find", find_and_be_overtaken)

        assert erasure.deliver(self.told("ada")) == {"batchItemFailures": []}

        stored = account.order(order_id)
        assert (stored["status"], stored["shipping_address"]["city"]) == ("confirmed", "")

    def test_an_order_that_is_parked_after_it_was_erased_keeps_no_personal_data(
        self, account: OrdersAccount, erasure: Erasure, lambda_context: Any
    ) -> None:
        """The saga carries its own copy of the address."""
        saga = Saga(account, lambda_context)
        erasure.deliver(self.told("ada"))

        assert saga.run("park", error={"Error": "CardDeclined", "Cause": ""}) == {"status": "parked"}

        stored = json.dumps(saga.stored)
        assert not any(
            text in stored for text in ("Ada Example", "1 Main St", "Berlin", "10115", "pm_card_visa")
        )

    @pytest.mark.parametrize("data", [{"user_id": ""}, {"user_id": None}, {"after": "x"}])
    def test_an_event_that_names_nobody_is_buried(
        self, dead_letters: str, erasure: Erasure, data: dict[str, Any]
    ) -> None:
        erasure.deliver(self.told("ada", **data))
        assert len(buried(dead_letters)) == 1

    def test_the_example_event_erases_the_example_order(
        self, account: OrdersAccount, erasure: Erasure
    ) -> None:
        item = example("orders_relay")["Records"][0]["dynamodb"]["NewImage"]
        boto3.client("dynamodb").put_item(TableName="orders", Item=item)

        [record] = example("orders_erase")["Records"]
        erasure.deliver(record["body"])

        assert account.order(item["pk"]["S"])["shipping_address"]["city"] == ""


class Saga:
    """A placed order, and the steps that the state machine runs on it."""

    def __init__(self, account: OrdersAccount, context: Any) -> None:
        from orders.resources import order_store

        self._account = account
        self._context = context
        self.store = order_store()
        price = Price(sku="TEA", price=Money(amount=790, currency="EUR"), active=True, version=1)
        order, events = Order.place(
            OrderRequest.model_validate(order_body(("TEA", 2))),
            {"TEA": price},
            customer_id="ada",
            idempotency_key="key-1",
            correlation_id="c-1",
            now=utc_now(),
        )
        self.order = self.store.add(order, events)

    def run(self, step: str, **state: Any) -> dict[str, Any]:
        """The answer of the step's function."""
        given = {"order": self.order.for_saga().model_dump(mode="json"), **state}
        answer: dict[str, Any] = importlib.import_module(f"orders.{step}").handler(given, self._context)
        return answer

    def request_cancellation(self) -> None:
        """What the API does when the customer cancels the order."""
        self.store.change(
            self.order.order_id, lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now())
        )

    def reject(self, error: str) -> dict[str, Any]:
        """The answer of the rejection after `error`."""
        return self.run("reject", error={"Error": error, "Cause": '{"errorMessage": "why"}'})

    @property
    def stored(self) -> dict[str, Any]:
        """The order as it is stored."""
        return self._account.order(self.order.order_id)


@pytest.fixture
def saga(account: OrdersAccount, lambda_context: Any) -> Saga:
    return Saga(account, lambda_context)


class TestSteps:
    def test_a_confirmed_order_says_so_in_its_status_and_its_event(self, saga: Saga) -> None:
        assert saga.run("confirm") == {"status": "confirmed"}

        assert (saga.stored["status"], saga.stored["version"]) == ("confirmed", 2)
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["aggregate_version"]) == ("order.confirmed", 2)
        assert event["data"]["total"] == {"amount": 2070, "currency": "EUR"}

    @pytest.mark.parametrize("step", ["confirm", "check_confirmation", "park"])
    def test_a_step_that_is_run_again_answers_the_same_and_writes_nothing(
        self, saga: Saga, step: str
    ) -> None:
        first = saga.run(step)
        stored = saga.stored

        assert saga.run(step) == first
        assert saga.stored == stored

    def test_a_rejection_that_is_run_again_answers_the_same_and_writes_nothing(self, saga: Saga) -> None:
        first = saga.reject("CardDeclined")
        stored = saga.stored

        assert saga.reject("CardDeclined") == first == {"status": "rejected", "reason": "payment_declined"}
        assert saga.stored == stored
        assert [event["data"]["reason"] for event in stored["outbox"]] == ["payment_declined"]

    def test_the_check_finds_a_confirmation_whose_answer_was_lost(self, saga: Saga) -> None:
        saga.run("confirm")
        assert saga.run("check_confirmation") == {"confirmed": True, "status": "confirmed"}
        assert saga.stored["status"] == "confirmed"

    def test_a_confirmation_that_comes_after_the_check_is_refused(self, saga: Saga) -> None:
        assert saga.run("check_confirmation") == {"confirmed": False, "status": "abandoned"}

        with pytest.raises(IllegalTransition):
            saga.run("confirm")

        assert saga.stored["status"] == "abandoned"
        assert saga.stored["outbox"] == [], (
            "nothing is told of an order that was given up until it is rejected"
        )

    def test_an_order_that_was_given_up_is_rejected(self, saga: Saga) -> None:
        saga.run("check_confirmation")
        assert saga.reject("States.Timeout") == {"status": "rejected", "reason": "technical_failure"}
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.rejected"]

    def test_a_confirmed_order_is_never_rejected(self, saga: Saga) -> None:
        saga.run("confirm")
        with pytest.raises(IllegalTransition):
            saga.reject("OutOfStock")
        assert saga.stored["status"] == "confirmed"

    @pytest.mark.parametrize("step", ["reject", "cancel"])
    def test_an_order_that_was_to_be_cancelled_is_cancelled_whoever_undid_it(
        self, saga: Saga, step: str
    ) -> None:
        if step == "cancel":
            saga.run("confirm")
        saga.request_cancellation()

        answers = [saga.reject("CardDeclined") if step == "reject" else saga.run(step) for _ in range(2)]

        assert answers == [{"status": "cancelled"}] * 2
        [event] = saga.stored["outbox"]
        assert (event["event_type"], event["data"]["by"]) == ("order.cancelled", "customer")
        assert saga.stored["version"] == (3 if step == "reject" else 4)

    def test_an_order_that_nobody_wants_cancelled_is_not_cancelled(self, saga: Saga) -> None:
        saga.run("confirm")
        with pytest.raises(IllegalTransition):
            saga.run("cancel")
        assert saga.stored["status"] == "confirmed"

    def test_a_parked_order_keeps_all_that_whoever_resumes_it_needs(self, saga: Saga) -> None:
        state = {
            "error": {"Error": "AddressNotServed", "Cause": "{}"},
            "void_payment_error": {"Error": "ProviderUnavailable", "Cause": "{}"},
            "stock_release": {"released": True},
        }

        assert saga.run("park", **state) == {"status": "parked"}

        kept = json.loads(saga.stored["parked_state"])
        assert kept == {"order": saga.order.for_saga().model_dump(mode="json"), **state}
        assert [event["event_type"] for event in saga.stored["outbox"]] == ["order.parked"]

    @pytest.mark.parametrize(("finish", "status"), [("confirm", "confirmed"), ("reject", "rejected")])
    def test_an_order_that_is_final_after_all_is_not_parked(
        self, saga: Saga, finish: str, status: str
    ) -> None:
        saga.reject("OutOfStock") if finish == "reject" else saga.run(finish)
        stored = saga.stored

        assert saga.run("park") == {"status": status}

        assert saga.stored == stored

    @pytest.mark.parametrize("step", ["confirm", "check_confirmation", "park"])
    def test_a_change_that_somebody_else_makes_meanwhile_is_not_lost(
        self, saga: Saga, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The step that lost fails with the name that the state machine retries."""
        read = saga.store.find

        def find_and_be_overtaken(order_id: str) -> Order | None:
            order = read(order_id)
            monkeypatch.setattr(saga.store, "find", read)
            saga.reject("OutOfStock")
            return order

        monkeypatch.setattr(saga.store, "find", find_and_be_overtaken)

        with pytest.raises(OrderContended):
            saga.run(step)

        assert saga.stored["status"] == "rejected"

    def test_a_step_on_an_order_that_is_not_there_fails(self, saga: Saga) -> None:
        boto3.client("dynamodb").delete_item(TableName="orders", Key={"pk": {"S": saga.order.order_id}})
        with pytest.raises(OrderMissing):
            saga.run("confirm")

    @pytest.mark.usefixtures("account")
    @pytest.mark.parametrize(
        ("name", "handled_by"),
        [
            ("confirm", "confirm"),
            ("check", "check_confirmation"),
            ("reject", "reject"),
            ("cancel", "cancel"),
            ("park", "park"),
        ],
    )
    def test_the_example_events_are_the_steps_inputs(
        self, lambda_context: Any, name: str, handled_by: str
    ) -> None:
        from orders.resources import order_store

        put = boto3.client("dynamodb").put_item
        put(TableName="orders", Item=example("orders_relay")["Records"][0]["dynamodb"]["NewImage"])
        if name == "cancel":
            order_store().change(
                example("orders_cancel")["order"]["order_id"],
                lambda order: order.request_cancellation(Canceller.CUSTOMER, utc_now()),
            )

        answer = importlib.import_module(f"orders.{handled_by}").handler(
            example(f"orders_{name}"), lambda_context
        )

        assert (name, answer["status"]) in {
            ("confirm", "confirmed"),
            ("check", "abandoned"),
            ("reject", "rejected"),
            ("cancel", "cancelled"),
            ("park", "parked"),
        }


@pytest.mark.usefixtures("account")
class TestRelay:
    def test_a_placed_order_goes_out_to_whoever_subscribed_to_placed_orders(
        self, subscriber: Any, lambda_context: Any
    ) -> None:
        received = subscriber("order.placed")

        answer = fresh("orders.relay").handler(example("orders_relay"), lambda_context)

        assert answer == {"batchItemFailures": []}
        [event] = received()
        [record] = example("orders_start_saga")["Records"]
        assert event == json.loads(record["body"]), "what one example sends the other receives"


def test_the_examples_tell_of_one_order() -> None:
    [change] = example("orders_relay")["Records"]
    placement = example("orders_api")
    customer = placement["requestContext"]["authorizer"]["claims"]["sub"]
    order_id = order_id_for(customer, placement["headers"]["Idempotency-Key"])
    assert change["dynamodb"]["Keys"]["pk"]["S"] == order_id
    assert example("orders_confirm")["order"]["order_id"] == order_id
