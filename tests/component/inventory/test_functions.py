"""Inventory's Lambda functions, with the example events that the repository ships."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.stock import Movement
from shared.aws import client
from shared.events import Event
from shared.versioned_table import WriteConflict
from tests.component.batches import deliver, failures
from tests.component.inventory.account import TABLE, levels, stock, sums

EVENTS = Path(__file__).parents[3] / "events"
# The example order wants 2 and 1 of them.
TEA = {"TEA-INFUSER-ST": 2, "TEA-EARL-100": 4}


@pytest.fixture
def functions(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports a function's module anew, with its table in place."""
    monkeypatch.setenv("TABLE_NAME", TABLE)
    dependencies = importlib.import_module("inventory.dependencies")
    for made in (dependencies.reservation_store, dependencies.stock_ledger):
        made.cache_clear()
    yield lambda name: importlib.reload(importlib.import_module(f"inventory.functions.{name}")).handler
    dependencies.reservation_store.cache_clear()


def example(name: str) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads((EVENTS / f"inventory_{name}.json").read_text())
    return payload


def test_reserve_then_release_as_the_saga_calls_them(
    ledger: StockLedger, functions: Any, lambda_context: Any
) -> None:
    stock(ledger, **TEA | {"TEA-EARL-100": 1})
    steps = functions("steps")
    order_id = example("steps_reserve")["order"]["order_id"]
    assert steps(example("steps_reserve"), lambda_context) == {"reservation_id": f"reservation-{order_id}"}
    assert steps(example("steps_reserve"), lambda_context) == {"reservation_id": f"reservation-{order_id}"}
    assert steps(example("steps_release"), lambda_context) == {"released": True}
    assert steps(example("steps_release"), lambda_context) == {"released": True}


def test_release_of_nothing_says_so(functions: Any, lambda_context: Any) -> None:
    assert functions("steps")(example("steps_release"), lambda_context) == {"released": False}


@pytest.mark.parametrize("released_before", [False, True])
def test_a_failed_reserve_carries_the_name_that_the_state_machine_catches(
    ledger: StockLedger, functions: Any, lambda_context: Any, released_before: bool
) -> None:
    stock(ledger, **{"TEA-INFUSER-ST": 1})
    if released_before:
        functions("steps")(example("steps_release"), lambda_context)
    expected = "ReservationReleased" if released_before else "OutOfStock"
    with pytest.raises(Exception, match=r"released|TEA-EARL-100") as failure:
        functions("steps")(example("steps_reserve"), lambda_context)
    assert type(failure.value).__name__ == expected


@pytest.fixture
def consumer(functions: Any, monkeypatch: pytest.MonkeyPatch, lambda_context: Any) -> Any:
    """Delivers the consumer's example of an event, once, and returns the dead letters that it made."""
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", queue)

    def deliver(event_type: str) -> list[str]:
        dispatched, ended = example("commit")["Records"]
        record = dispatched if event_type == "shipment.dispatched" else ended
        event = json.loads(record["body"]) | {"event_type": event_type}
        batch = {"Records": [record | {"body": json.dumps(event)}]}
        assert functions("commit")(batch, lambda_context) == {"batchItemFailures": []}
        letters = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"], VisibilityTimeout=0)
        return [
            letter["MessageAttributes"]["reason"]["StringValue"] for letter in letters.get("Messages", [])
        ]

    return deliver


def test_a_dispatched_orders_stock_leaves_the_warehouse_once_however_often_the_event_comes(
    ledger: StockLedger, functions: Any, lambda_context: Any, consumer: Any
) -> None:
    stock(ledger, **TEA)
    functions("steps")(example("steps_reserve"), lambda_context)
    for _ in range(2):
        assert consumer("shipment.dispatched") == []
        assert levels(ledger, *TEA) == [(0, 0), (3, 0)]


def test_the_dispatch_of_stock_that_was_given_back_is_a_dead_letter(
    functions: Any, lambda_context: Any, consumer: Any
) -> None:
    functions("steps")(example("steps_release"), lambda_context)
    (reason,) = consumer("shipment.dispatched")
    assert reason.startswith("ReservationReleased")


def returned(**restocked: int) -> Event:
    """An inspected return of ord_1, with so many pieces that are for sale again."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in restocked.items()]
    return Event(
        event_id="returns-ord_1:5:return.inspected",
        event_type="return.inspected",
        occurred_at="2026-03-05T10:15:00.000Z",
        aggregate_id="returns-ord_1",
        aggregate_version=5,
        correlation_id="2f0c1b6e-3f0d-4d2c-9f5a-8b1f6f0a7c33",
        data={"order_id": "ord_1", "return_id": "ret_1", "restocked": lines, "written_off": []},
    )


class TestAnInspectedReturn:
    @pytest.fixture
    def receive(self, functions: Any, monkeypatch: pytest.MonkeyPatch, lambda_context: Any) -> Any:
        monkeypatch.setenv("DLQ_URL", client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"])
        return lambda event: deliver(functions("commit"), lambda_context, event)

    def test_brings_its_pieces_back_for_sale_once_with_a_movement_each(
        self, dynamodb: Any, ledger: StockLedger, receive: Any
    ) -> None:
        stock(ledger, **TEA)
        for _ in range(2):
            assert receive(returned(**{"TEA-INFUSER-ST": 1, "TEA-EARL-100": 2})) == failures()
            assert levels(ledger, *TEA) == [(3, 0), (6, 0)]
        [newest, *_], _ = ledger.ledger("TEA-INFUSER-ST", 10, None)
        assert (newest.kind, newest.quantity, newest.order_id) == ("receipt", 1, "ord_1")
        assert newest.reason == "Return ret_1"
        moved, on_hand = sums(dynamodb)
        assert moved == on_hand

    def test_goes_on_where_an_earlier_try_stopped(
        self, ledger: StockLedger, receive: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stock(ledger, **TEA)
        record, calls = StockLedger.record, []

        def fails_once(store: StockLedger, movement: Movement, **options: Any) -> Movement:
            calls.append(movement.sku)
            if len(calls) == 2:
                raise WriteConflict("others are at it")
            return record(store, movement, **options)

        monkeypatch.setattr(StockLedger, "record", fails_once)
        event = returned(**{"TEA-INFUSER-ST": 1, "TEA-EARL-100": 2})

        assert receive(event) == failures("m0")
        assert receive(event) == failures()

        assert levels(ledger, *TEA) == [(3, 0), (6, 0)]

    def test_of_written_off_pieces_moves_nothing(self, ledger: StockLedger, receive: Any) -> None:
        stock(ledger, **TEA)
        assert receive(returned()) == failures()
        assert levels(ledger, *TEA) == [(2, 0), (4, 0)]


ENDINGS = ("order.rejected", "order.cancelled")


@pytest.fixture
def alarming(capsys: pytest.CaptureFixture[str]) -> Any:
    """How many reservations that outlive their orders were counted since it was last asked."""

    def counted() -> int:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
        return sum(
            int(line["ReservationsOutlivingOrders"][0])
            for line in lines
            if "ReservationsOutlivingOrders" in line
        )

    return counted


@pytest.mark.parametrize("ending", ENDINGS)
def test_stock_that_an_ended_order_still_holds_is_counted_logged_and_left_as_it_is(
    ledger: StockLedger,
    store: ReservationStore,
    functions: Any,
    lambda_context: Any,
    consumer: Any,
    alarming: Any,
    logged: Any,
    ending: str,
) -> None:
    stock(ledger, **TEA)
    functions("steps")(example("steps_reserve"), lambda_context)
    assert consumer(ending) == []
    assert alarming() == 1
    (line,) = logged("reservation outlives its order")
    order_id = example("steps_reserve")["order"]["order_id"]
    assert (line["level"], line["order_id"], line["reservation_id"], line["correlation_id"]) == (
        "ERROR",
        order_id,
        f"reservation-{order_id}",
        example("steps_reserve")["order"]["correlation_id"],
    )
    reservation = store.reservation_of(order_id)
    assert reservation is not None and reservation.held


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("found", ["nothing", "a tombstone", "released", "committed"])
def test_an_ended_order_that_holds_no_stock_rings_no_alarm_however_late_or_often_its_event_comes(
    ledger: StockLedger,
    functions: Any,
    lambda_context: Any,
    consumer: Any,
    alarming: Any,
    ending: str,
    found: str,
) -> None:
    stock(ledger, **TEA)
    if found in {"released", "committed"}:
        functions("steps")(example("steps_reserve"), lambda_context)
    if found in {"released", "a tombstone"}:
        functions("steps")(example("steps_release"), lambda_context)
    if found == "committed":
        consumer("shipment.dispatched")
    for _ in range(2):
        assert consumer(ending) == []
    assert alarming() == 0


def test_a_reserve_that_comes_after_the_order_ended_takes_nothing_that_could_outlive_it(
    ledger: StockLedger, functions: Any, lambda_context: Any, consumer: Any, alarming: Any
) -> None:
    stock(ledger, **TEA)
    functions("steps")(example("steps_release"), lambda_context)
    consumer("order.rejected")
    with pytest.raises(Exception, match="released"):
        functions("steps")(example("steps_reserve"), lambda_context)
    consumer("order.rejected")
    assert alarming() == 0


def test_what_has_left_the_warehouse_is_not_given_back(
    ledger: StockLedger, functions: Any, lambda_context: Any, consumer: Any
) -> None:
    stock(ledger, **TEA)
    functions("steps")(example("steps_reserve"), lambda_context)
    consumer("shipment.dispatched")
    with pytest.raises(Exception, match="left the warehouse") as failure:
        functions("steps")(example("steps_release"), lambda_context)
    assert type(failure.value).__name__ == "ReservationCommitted"


def test_the_relay_publishes_the_outbox_and_low_stock(
    functions: Any, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = client("sns").create_topic(Name="domain-events")["TopicArn"]
    monkeypatch.setenv("TOPIC_ARN", topic)
    monkeypatch.setenv("DLQ_URL", client("sqs").create_queue(QueueName="relay-letters")["QueueUrl"])
    answer = functions("relay")(example("relay"), lambda_context)
    assert answer == {"batchItemFailures": []}
    sent = [
        json.loads(message)
        for _, message, *_ in sns_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"]
        .topics[topic]
        .sent_notifications
    ]
    assert [event["event_type"] for event in sent] == ["stock.reserved", "stock.low"]
    assert sent[1]["data"] == {"sku": "TEA-INFUSER-ST", "available": 5, "threshold": 5}
    assert (
        sent[0]["correlation_id"]
        == sent[1]["correlation_id"]
        == example("steps_reserve")["order"]["correlation_id"]
    )
