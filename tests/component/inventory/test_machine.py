"""Stock under any sequence of operations, repeats, lost answers and orders that get in between, as a state machine.

It drives the shipped store on DynamoDB as moto plays it, since the rules are enforced by conditions on its writes. The
model beside it knows nothing of versions and transactions: it is what a storekeeper would write on paper.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from botocore.exceptions import ConnectTimeoutError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.reservation import (
    OutOfStock,
    Reservation,
    ReservationCommitted,
    ReservationMissing,
    ReservationReleased,
    ReservationStatus,
)
from inventory.domain.stock import Movement, MovementKind, NotEnoughStock, UnknownSku
from shared.aws import client
from shared.clock import timestamp
from shared.events import Event
from shared.versioned_table import WriteConflict
from tests.component.inventory.account import (
    NOW,
    conflict,
    items,
    make_table,
    order,
    single_conflict,
    stock,
)

ORDERS = st.sampled_from(["o-1", "o-2", "o-3"])
KEYS = st.integers(1, 4)
SKUS = st.sampled_from(["MUG", "TEA"])
# The lines of each order: they do not change between two tries of the saga.
WANTED = {"o-1": {"MUG": 2, "TEA": 3}, "o-2": {"MUG": 4}, "o-3": {"TEA": 1, "MUG": 1}}
REFUSALS = (
    OutOfStock,
    ReservationReleased,
    ReservationCommitted,
    ReservationMissing,
    NotEnoughStock,
    UnknownSku,
)
FAULTS = st.sampled_from(["none", "none", "conflict", "lost before", "lost after", "overtaken", "overtaken"])


class Faulty:
    """DynamoDB where the next write goes wrong in one way."""

    def __init__(self, dynamodb: Any) -> None:
        self._dynamodb = dynamodb
        self.fault = "none"
        self.intruder: Callable[[], object] = lambda: None

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._dynamodb, name)
        if name not in {"transact_write_items", "put_item", "update_item"}:
            return call

        def faulty(**arguments: Any) -> Any:
            fault, self.fault = self.fault, "none"
            match fault:
                case "conflict":
                    conflict() if name == "transact_write_items" else single_conflict()
                case "lost before":
                    raise ConnectTimeoutError(endpoint_url="dynamodb")
                case "overtaken":
                    self.intruder()
            answer = call(**arguments)
            if fault == "lost after":
                raise ConnectTimeoutError(endpoint_url="dynamodb")
            return answer

        return faulty


class Inventory:
    """Both of the service's adapters on one table."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self.reservations = ReservationStore(dynamodb, table)
        self.ledger = StockLedger(dynamodb, table)


class StockMachine(RuleBasedStateMachine):
    """Orders that reserve, release and commit, and admins who receive and adjust, all of it again at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.dynamodb = client("dynamodb")
        # Its own in the one pretended account, since making an account anew takes as long as all of a run's steps.
        self.table = f"inventory-{uuid4().hex}"
        make_table(self.dynamodb, self.table)
        self.faulty = Faulty(self.dynamodb)
        self.inventory = Inventory(self.faulty, self.table)
        self.events: dict[str, Event] = {}
        self.reservations: dict[str, Reservation] = {}
        self.answered: dict[str, set[str]] = {order_id: set() for order_id in WANTED}
        # Too little for all three orders, in any order.
        stock(self.inventory.ledger, MUG=5, TEA=3)

    def _do(
        self,
        fault: str,
        operation: Callable[[Inventory], object],
        intruder: Callable[[Inventory], object] = lambda _: None,
    ) -> bool:
        """Whether `operation` succeeded under a fault. If the fault is "overtaken", `intruder` runs before it."""

        def intrude() -> None:
            try:
                intruder(Inventory(self.dynamodb, self.table))
            except REFUSALS:
                return

        self.faulty.fault, self.faulty.intruder = fault, intrude
        try:
            operation(self.inventory)
        except (*REFUSALS, WriteConflict, ConnectTimeoutError):
            return False
        finally:
            self.faulty.fault = "none"
        return True

    @rule(order_id=ORDERS, other=ORDERS, fault=FAULTS)
    def reserve(self, order_id: str, other: str, fault: str) -> None:
        wanted = order(order_id, **WANTED[order_id])
        intruder = order(other, **WANTED[other])
        if self._do(
            fault,
            lambda inventory: inventory.reservations.reserve(wanted, NOW),
            lambda inventory: inventory.reservations.reserve(intruder, NOW),
        ):
            assert "released" not in self.answered[order_id], "a late reserve after a release does nothing"
            self.answered[order_id].add("reserved")
        elif fault == "none":
            before = self.reservations.get(order_id)
            gone = before is None or before.status is ReservationStatus.RELEASED
            assert gone, "an order that has its stock never gets OutOfStock"

    @rule(order_id=ORDERS, fault=FAULTS)
    def release(self, order_id: str, fault: str) -> None:
        if self._do(
            fault,
            lambda inventory: inventory.reservations.release(order_id, "c", NOW),
            lambda inventory: inventory.reservations.reserve(order(order_id, **WANTED[order_id]), NOW),
        ):
            assert "committed" not in self.answered[order_id], "what has left the warehouse is not given back"
            self.answered[order_id].add("released")
        elif fault == "none":
            assert "released" not in self.answered[order_id], "a repeat is answered alike"

    @rule(order_id=ORDERS, fault=FAULTS)
    def commit(self, order_id: str, fault: str) -> None:
        if self._do(
            fault,
            lambda inventory: inventory.reservations.commit(order_id, NOW),
            lambda inventory: inventory.reservations.release(order_id, "c", NOW),
        ):
            assert "released" not in self.answered[order_id], "what was given back does not leave"
            assert order_id in self.reservations or fault == "overtaken", "only what was reserved leaves"
            self.answered[order_id].add("committed")
        elif fault == "none":
            assert "committed" not in self.answered[order_id], "a repeat is answered alike"

    @rule(sku=SKUS, key=KEYS, fault=FAULTS)
    def receive(self, sku: str, key: int, fault: str) -> None:
        movement_id = f"r-{sku}-{key}"
        self._do(
            fault,
            lambda inventory: inventory.ledger.receive(
                sku, key, movement_id=movement_id, correlation_id="c", now=NOW
            ),
            lambda inventory: inventory.ledger.receive(
                sku, key, movement_id=movement_id, correlation_id="c", now=NOW
            ),
        )

    @rule(sku=SKUS, key=KEYS, sign=st.sampled_from([-1, 1]), fault=FAULTS)
    def adjust(self, sku: str, key: int, sign: int, fault: str) -> None:
        movement = Movement(
            movement_id=f"a-{sku}-{sign * key}",
            sku=sku,
            kind=MovementKind.ADJUSTMENT,
            quantity=sign * key,
            reason="Counted",
            recorded_at=timestamp(NOW),
            correlation_id="c",
        )
        self._do(
            fault,
            lambda inventory: inventory.ledger.record(movement),
            lambda inventory: inventory.reservations.reserve(order("o-3", **WANTED["o-3"]), NOW),
        )

    @invariant()
    def the_rules_hold(self) -> None:
        stored = items(self.dynamodb, self.table)
        levels = {item["sku"]: item for item in stored if item["pk"].startswith("sku#")}
        movements = [Movement.model_validate(item) for item in stored if item["pk"].startswith("movement#")]
        self.reservations = {
            item["order_id"]: Reservation.model_validate(item)
            for item in stored
            if item["pk"].startswith("reservation#")
        }
        self._check_stock_and_ledger(levels, movements)
        for item in stored:
            if item["pk"].startswith("reservation#"):
                self._check_reservation(self.reservations[item["order_id"]], item["outbox"])

    def _check_stock_and_ledger(self, levels: dict[str, Any], movements: list[Movement]) -> None:
        held: Counter[str] = Counter()
        left: dict[tuple[str | None, str], int] = {}
        for reservation in self.reservations.values():
            held.update({line.sku: line.quantity for line in reservation.held})
            for line in reservation.lines[: reservation.shipped_lines]:
                left[reservation.order_id, line.sku] = -line.quantity
        summed: Counter[str] = Counter()
        for movement in movements:
            summed[movement.sku] += movement.quantity
        for sku, level in levels.items():
            assert level["available"] >= 0, "nothing is oversold"
            assert level["reserved"] == held[sku], "what is reserved is what orders hold"
            assert level["available"] + level["reserved"] == summed[sku], "on hand is the sum of the ledger"
        assert set(summed) <= set(levels), "nothing is in the ledger that is not in stock"
        shipments = [movement for movement in movements if movement.kind is MovementKind.SHIPMENT]
        assert {(one.order_id, one.sku): one.quantity for one in shipments} == left, (
            "what left is what orders held"
        )
        assert len(shipments) == len(left), "and it left once"

    def _check_reservation(self, reservation: Reservation, outbox: list[str]) -> None:
        lines = {line.sku: line.quantity for line in reservation.lines}
        assert lines in ({}, WANTED[reservation.order_id]), "an order holds all of its lines or none"
        for entry in outbox:
            event = Event.model_validate_json(entry)
            assert self.events.setdefault(event.event_id, event) == event, "one id is one fact"
        published = [
            event.event_type
            for event in self.events.values()
            if event.data["order_id"] == reservation.order_id
        ]
        assert len(published) == len(set(published)), "each change of a reservation is published once"
        assert not {"stock.released", "stock.committed"} <= set(published), (
            "given back and gone exclude each other"
        )


def test_no_sequence_of_operations_and_accidents_breaks_a_rule(aws: None) -> None:
    run_state_machine_as_test(
        StockMachine, settings=settings(max_examples=10, stateful_step_count=18, deadline=None)
    )
