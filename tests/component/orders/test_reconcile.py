"""The reconciler of orders through its real handler: its outcome by an order's state and its execution's."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from orders.adapters.executions import OrderExecutions
from orders.adapters.order_store import OrderStore
from orders.domain.order import Order
from orders.domain.status import Canceller, RejectionReason
from orders.domain.stuck_orders import ExecutionProgress
from shared.aws import client
from shared.clock import utc_now
from tests.component.orders.account import OrdersAccount, placed_order
from tests.component.orders.functions import StateMachines, example, fresh

OVERDUE = timedelta(minutes=6)


class Shelf:
    """Orders that have been in their status for a while, their executions, and the reconciler that looks at them."""

    def __init__(self, context: Any, module: ModuleType, machines: StateMachines) -> None:
        self._context = context
        self._module = module
        self.machines = machines
        self.saga = machines.saga
        self.cancellation = machines.cancellation

    def order(self, *changes: Callable[[Order], Any], age: timedelta = OVERDUE, key: str = "key-1") -> str:
        """Places an order that went through `changes`, all of it `age` ago."""
        from orders.dependencies import order_store

        order, events = placed_order(key=key, at=utc_now() - age)
        order_store().add(order, events)
        for change in changes:
            order_store().change(order.order_id, change)
        return order.order_id

    def executions(self, machine: str) -> dict[str, dict[str, Any]]:
        """The inputs of the machine's executions, by name."""
        return dict(self.machines.executions(machine))

    def reconcile(self) -> dict[str, int]:
        """Runs the reconciler as its schedule does; the outcomes that it came to."""
        answer = self._module.handler(example("orders_reconcile"), self._context)
        return {outcome: number for outcome, number in answer.items() if number}


@pytest.fixture
def shelf(account: OrdersAccount, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    machines = StateMachines(monkeypatch)
    return Shelf(lambda_context, fresh("orders.functions.reconcile"), machines)


THEN = utc_now() - OVERDUE


def confirm(order: Order) -> Any:
    return order.confirm(THEN)


def abandon(order: Order) -> Any:
    return order.abandon(RejectionReason.OUT_OF_STOCK, THEN)


def request_cancellation(order: Order) -> Any:
    return order.request_cancellation(Canceller.CUSTOMER, THEN)


def park(order: Order) -> Any:
    return order.park('{"order": {}}', THEN)


def resume(order: Order) -> Any:
    return order.resume(THEN)


def erase(order: Order) -> Any:
    return order.erase(THEN)


def restart(order: Order) -> Any:
    return order.remind(utc_now() - timedelta(minutes=5, seconds=30))


class TestPlaced:
    """Nobody can know whether a saga of it runs, and a second one does no harm."""

    def test_a_placed_order_gets_a_saga(self, shelf: Shelf, account: OrdersAccount) -> None:
        order_id = shelf.order()

        assert shelf.reconcile() == {"started": 1}

        [(name, given)] = shelf.executions(shelf.saga).items()
        assert (name, given["order"]["order_id"]) == (f"{order_id}-saga", order_id)
        stored = account.order(order_id)
        assert (stored["status"], stored["outbox"]) == ("placed", []), "nobody may fulfil it yet"

    def test_the_saga_has_its_time_before_the_order_is_looked_at_again(
        self, shelf: Shelf, account: OrdersAccount
    ) -> None:
        order_id = shelf.order()
        shelf.reconcile()
        stored = account.order(order_id)

        assert shelf.reconcile() == {}

        assert account.order(order_id) == stored

    def test_an_order_that_a_second_saga_does_not_decide_either_is_abandoned(
        self, shelf: Shelf, account: OrdersAccount
    ) -> None:
        order_id = shelf.order(restart)

        assert shelf.reconcile() == {"taken over": 1}

        stored = account.order(order_id)
        assert (stored["status"], stored["failed_because"]) == ("abandoned", "technical_failure")
        assert [event["event_type"] for event in stored["outbox"]] == ["order.abandoned"]
        assert shelf.executions(shelf.saga) == {}

    def test_an_order_whose_saga_could_not_be_started_gets_it_at_the_next_run(
        self, shelf: Shelf, account: OrdersAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order_id = shelf.order()
        stored = account.order(order_id)
        with monkeypatch.context() as away:
            away.setattr(OrderExecutions, "start_saga", lambda *_: 1 / 0)
            with pytest.raises(shelf._module.ReconciliationFailed, match=order_id):
                shelf.reconcile()
        assert account.order(order_id) == stored, "it has its second chance still"

        assert shelf.reconcile() == {"started": 1}

    def test_an_order_that_the_second_saga_confirms_at_once_is_not_reminded_of_its_fulfilment(
        self, shelf: Shelf, account: OrdersAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from orders.dependencies import order_store

        order_id = shelf.order()
        monkeypatch.setattr(OrderExecutions, "start_saga", lambda *_: order_store().change(order_id, confirm))
        shelf.reconcile()

        stored = account.order(order_id)
        assert (stored["status"], "reminded_at" in stored) == ("confirmed", False)
        assert [event["event_type"] for event in stored["outbox"]] == ["order.confirmed"]

    def test_an_order_that_an_earlier_release_erased_is_undone_rather_than_decided_on(
        self, shelf: Shelf, account: OrdersAccount
    ) -> None:
        order_id = shelf.order(
            lambda order: (order.model_copy(update={"erased_at": order.placed_at, "version": 2}), [])
        )

        assert shelf.reconcile() == {"taken over": 1}

        assert account.order(order_id)["status"] == "abandoned"
        assert shelf.executions(shelf.saga) == {}

    def test_an_order_that_its_saga_confirms_meanwhile_is_not_touched(
        self, shelf: Shelf, account: OrdersAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order_id = shelf.order(restart)
        changes = OrderStore.change

        def change(store: OrderStore, changed: str, by: Any) -> Order:
            monkeypatch.undo()
            changes(store, order_id, confirm)
            return changes(store, changed, by)

        monkeypatch.setattr(OrderStore, "change", change)
        shelf.reconcile()

        assert account.order(order_id)["status"] == "confirmed"


class TestNothingWasStarted:
    @pytest.mark.parametrize("change", [abandon, request_cancellation, erase])
    def test_an_order_that_is_to_be_undone_is_undone(self, shelf: Shelf, change: Any) -> None:
        order_id = shelf.order(change)

        assert shelf.reconcile() == {"started": 1}

        [(name, given)] = shelf.executions(shelf.cancellation).items()
        assert (name, given["was_confirmed"]) == (order_id, False)
        assert shelf.executions(shelf.saga) == {}

    def test_the_cancellation_of_a_confirmed_order_is_started(self, shelf: Shelf) -> None:
        order_id = shelf.order(confirm, request_cancellation)

        assert shelf.reconcile() == {"started": 1}

        assert list(shelf.executions(shelf.cancellation)) == [order_id]
        assert shelf.executions(shelf.saga) == {}

    def test_a_resumption_is_started_under_its_own_name_and_carries_no_personal_data(
        self, shelf: Shelf
    ) -> None:
        order_id = shelf.order(abandon, park, resume)

        assert shelf.reconcile() == {"started": 1}

        [(name, given)] = shelf.executions(shelf.cancellation).items()
        assert name == f"{order_id}-1"
        assert not {"payment_token", "shipping_address"} & given["order"].keys()


class TestTheExecutionRuns:
    @pytest.mark.parametrize(
        ("changes", "suffix"),
        [
            ([abandon], ""),
            ([request_cancellation], ""),
            ([confirm, request_cancellation], ""),
            ([abandon, park, resume], "-1"),
        ],
    )
    def test_it_is_left_alone(
        self, shelf: Shelf, account: OrdersAccount, changes: list[Any], suffix: str
    ) -> None:
        order_id = shelf.order(*changes)
        shelf.machines.execute(shelf.cancellation, order_id + suffix, ended=False)
        stored = account.order(order_id)

        assert shelf.reconcile() == {"left": 1}

        assert account.order(order_id) == stored


class TestTheExecutionEnded:
    @pytest.mark.parametrize(
        ("changes", "becomes"),
        [
            ([abandon], "abandoned"),
            ([request_cancellation], "cancelling"),
            ([confirm, request_cancellation], "cancelling"),
        ],
    )
    def test_the_order_is_taken_over_which_asks_for_its_resumption(
        self, shelf: Shelf, account: OrdersAccount, changes: list[Any], becomes: str
    ) -> None:
        order_id = shelf.order(*changes)
        shelf.machines.execute(shelf.cancellation, order_id, ended=True)

        assert shelf.reconcile() == {"taken over": 1}

        stored = account.order(order_id)
        assert (stored["status"], stored["resumptions"]) == (becomes, 1)
        assert [event["event_type"] for event in stored["outbox"]] == ["order.resumption_requested"]
        assert shelf.reconcile() == {}, "its time begins anew"

    def test_an_order_whose_resumption_ended_too_is_parked(
        self, shelf: Shelf, account: OrdersAccount
    ) -> None:
        order_id = shelf.order(abandon, park, resume)
        shelf.machines.execute(shelf.cancellation, f"{order_id}-1", ended=True)

        assert shelf.reconcile() == {"parked": 1}

        stored = account.order(order_id)
        assert stored["status"] == "parked"
        assert json.loads(stored["parked_state"])["ended_execution"] == f"{order_id}-1"

    def test_an_order_that_moved_on_since_it_was_looked_at_is_not_touched(
        self, shelf: Shelf, account: OrdersAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its cancellation was refused, after the order was read."""
        order_id = shelf.order(confirm, request_cancellation)
        shelf.machines.execute(shelf.cancellation, order_id, ended=True)
        asked = OrderExecutions.progress

        def progress(executions: OrderExecutions, order: Order) -> ExecutionProgress:
            from orders.dependencies import order_store

            order_store().change(order_id, lambda order: order.refuse_cancellation(THEN))
            return asked(executions, order)

        monkeypatch.setattr(OrderExecutions, "progress", progress)
        shelf.reconcile()

        stored = account.order(order_id)
        assert (stored["status"], stored.get("resumptions", 0)) == ("confirmed", 0)

    def test_an_order_that_is_resumed_once_more_since_it_was_looked_at_is_not_parked(
        self, shelf: Shelf, account: OrdersAccount, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from orders.dependencies import order_store

        order_id = shelf.order(abandon, park, resume)

        def progress(*_: Any) -> ExecutionProgress:
            for change in (park, resume):
                order_store().change(order_id, change)
            return ExecutionProgress.ENDED

        monkeypatch.setattr(OrderExecutions, "progress", progress)
        shelf.reconcile()

        stored = account.order(order_id)
        assert (stored["status"], stored["resumptions"]) == ("abandoned", 2)


class TestWhichOrders:
    def test_an_order_within_its_time_is_not_looked_at(self, shelf: Shelf) -> None:
        shelf.order(age=timedelta(minutes=4))
        assert shelf.reconcile() == {}

    @pytest.mark.parametrize("changes", [[confirm], [abandon, park]])
    def test_an_order_that_came_to_its_end_or_is_parked_is_not_looked_at(
        self, shelf: Shelf, changes: list[Any]
    ) -> None:
        from orders.dependencies import attention_index

        shelf.order(*changes)

        assert shelf.reconcile() == {}
        assert attention_index().open_since_before(utc_now(), limit=1) == [], (
            "nor does the index know it as open"
        )

    def test_an_order_that_cannot_be_looked_at_stops_no_other_and_fails_the_run_at_its_end(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken, well = shelf.order(abandon, key="1"), shelf.order(abandon, key="2")
        asked = OrderExecutions.progress

        def progress(executions: OrderExecutions, order: Order) -> ExecutionProgress:
            if order.order_id == broken:
                raise ConnectionError(broken)
            return asked(executions, order)

        monkeypatch.setattr(OrderExecutions, "progress", progress)

        with pytest.raises(shelf._module.ReconciliationFailed, match=broken):
            shelf.reconcile()

        assert list(shelf.executions(shelf.cancellation)) == [well]

    def test_a_run_that_is_out_of_time_leaves_the_rest_to_the_next(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(3):
            shelf.order(abandon, key=str(number))
        left = iter([60_000, 60_000, 5_000, 60_000, 60_000, 60_000])
        monkeypatch.setattr(shelf._context, "get_remaining_time_in_millis", lambda: next(left))

        assert shelf.reconcile() == {"started": 2}
        assert shelf.reconcile() == {"started": 1, "left": 2}

    def test_orders_that_cannot_go_on_yet_keep_it_from_no_later_one_however_many_they_are(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The index has the same one hundreds of times, since so many orders would take the test too long."""
        from orders.adapters.attention_index import AttentionIndex

        waiting = shelf.order(lambda order: order.remind(utc_now()), age=2 * OVERDUE)
        later = shelf.order(key="later")
        oldest_first = [*[waiting] * 200, later]
        monkeypatch.setattr(AttentionIndex, "open_since_before", lambda *given: oldest_first[: given[-1]])

        assert shelf.reconcile() == {"started": 1}

        assert list(shelf.executions(shelf.saga)) == [f"{later}-saga"]

    def test_runs_with_little_time_begin_at_different_orders_of_both_kinds(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two that cannot be reconciled are the oldest; a third is stuck, and a fourth is late."""
        broken = {shelf.order(abandon, age=timedelta(hours=hours), key=str(hours)) for hours in (3, 4)}
        shelf.order(abandon, key="stuck")
        then = utc_now() - timedelta(days=2)
        shelf.order(lambda order: order.confirm(then), age=timedelta(days=2), key="late")

        def progress(_: OrderExecutions, order: Order) -> ExecutionProgress:
            if order.order_id in broken:
                raise ConnectionError(order.order_id)
            return ExecutionProgress.UNKNOWN

        monkeypatch.setattr(OrderExecutions, "progress", progress)
        outcomes: list[dict[str, int]] = []
        for start in range(4):
            left = iter([60_000, 5_000])
            monkeypatch.setattr(shelf._context, "get_remaining_time_in_millis", lambda left=left: next(left))
            monkeypatch.setattr(
                shelf._module,
                "from_any_one",
                lambda waiting, _, start=start: [*waiting[start:], *waiting[:start]],
            )
            with suppress(shelf._module.ReconciliationFailed):
                outcomes.append(shelf.reconcile())

        assert outcomes == [{"started": 1}, {"reminded": 1}]

    def test_more_orders_than_one_request_finds_are_found_by_several(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from orders.dependencies import attention_index

        ids = {shelf.order(abandon, park, key=str(number)) for number in range(3)}
        query, queries = client("dynamodb").query, []

        def one_at_a_time(**asked: Any) -> Any:
            queries.append(asked)
            return query(**{**asked, "Limit": 1})

        monkeypatch.setattr(client("dynamodb"), "query", one_at_a_time)

        assert set(attention_index().parked(limit=9)) == ids
        queries.clear()
        assert set(attention_index().parked(limit=2)) < ids
        assert len(queries) == 2, "it asks for no more than it needs"

    def test_the_oldest_come_first(self, shelf: Shelf) -> None:
        from orders.dependencies import attention_index

        ages = [timedelta(minutes=minutes) for minutes in (7, 30, 9, 12)]
        ids = {age: shelf.order(age=age, key=str(age)) for age in ages}

        found = attention_index().open_since_before(utc_now() - OVERDUE, limit=3)

        assert found == [ids[age] for age in sorted(ages, reverse=True)[:3]]

    def test_each_run_counts_the_overdue_and_the_parked_orders(
        self, shelf: Shelf, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shelf.order(key="1")
        shelf.order(abandon, park, key="2")
        shelf.order(abandon, park, key="3")

        shelf.reconcile()

        metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        assert [(line["OrdersStuck"], line["OrdersParkedNow"]) for line in metrics] == [([1.0], [2.0])]


class TestNotFulfilledInTime:
    DAY = timedelta(days=1)

    @pytest.fixture
    def late(self, shelf: Shelf) -> str:
        """An order that is confirmed for over a day."""
        then = utc_now() - self.DAY - timedelta(minutes=1)
        return shelf.order(lambda order: order.confirm(then), age=self.DAY + timedelta(minutes=1))

    @staticmethod
    def change(order_id: str, *changes: Callable[[Order], Any]) -> None:
        from orders.dependencies import order_store

        for change in changes:
            order_store().change(order_id, change)

    @staticmethod
    def metrics(capsys: pytest.CaptureFixture[str]) -> list[tuple[float, float]]:
        """How many were late, and were reminded of, by run."""
        metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        return [(line.get("OrdersLate", [0])[0], line.get("OrdersReminded", [0])[0]) for line in metrics]

    def test_the_fulfilment_is_asked_for_once_and_the_order_counts_as_late_until_it_is(
        self, shelf: Shelf, account: OrdersAccount, late: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert [shelf.reconcile() for _ in range(3)] == [{"reminded": 1}, {}, {}]

        stored = account.order(late)
        assert (stored["status"], stored["version"]) == ("confirmed", 3)
        assert [event["event_type"] for event in stored["outbox"]] == ["order.fulfilment_requested"]
        self.change(
            late,
            lambda order: order.record_capture(5, utc_now()),
            lambda order: order.record_dispatch("PARCEL1", utc_now()),
        )
        assert shelf.reconcile() == {}
        assert self.metrics(capsys) == [(1, 1), (1, 0), (1, 0)]

    def test_it_is_asked_for_again_when_as_long_has_passed(
        self, shelf: Shelf, account: OrdersAccount, late: str
    ) -> None:
        self.change(late, lambda order: order.remind(utc_now() - self.DAY + timedelta(minutes=1)))
        assert shelf.reconcile() == {}

        self.change(late, lambda order: order.remind(utc_now() - self.DAY - timedelta(seconds=1)))
        assert shelf.reconcile() == {"reminded": 1}

        assert account.order(late)["version"] == 5

    def test_an_order_within_its_time_is_left_alone(self, shelf: Shelf) -> None:
        then = utc_now() - self.DAY + timedelta(minutes=1)
        shelf.order(lambda order: order.confirm(then), age=self.DAY)
        assert shelf.reconcile() == {}

    @pytest.mark.parametrize("changes", [[request_cancellation], [lambda order: order.remind(utc_now())]])
    def test_an_order_that_changed_since_the_index_was_read_is_left_alone(
        self,
        shelf: Shelf,
        account: OrdersAccount,
        late: str,
        changes: list[Any],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from orders.adapters.attention_index import AttentionIndex

        self.change(late, *changes)
        stored = account.order(late)
        monkeypatch.setattr(AttentionIndex, "due_for_reminder", lambda *_: [late])

        assert "reminded" not in shelf.reconcile()

        assert account.order(late)["version"] == stored["version"]

    def test_the_longest_waiting_come_first(self, shelf: Shelf, late: str) -> None:
        from orders.dependencies import attention_index

        self.change(late, lambda order: order.remind(utc_now() - timedelta(hours=12)))
        ages = [timedelta(days=days) for days in (1, 4, 3)]

        def confirmed(age: timedelta) -> str:
            return shelf.order(lambda order: order.confirm(utc_now() - age), age=age, key=str(age))

        ids = [confirmed(age) for age in ages]

        assert attention_index().due_for_reminder(utc_now(), limit=4) == [ids[1], ids[2], ids[0], late]
        before = utc_now() - timedelta(hours=13)
        assert attention_index().due_for_reminder(before, limit=4) == [ids[1], ids[2], ids[0]]
        assert attention_index().late(utc_now(), limit=3) == [late, ids[1], ids[2]]
