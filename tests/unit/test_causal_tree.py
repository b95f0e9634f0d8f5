"""The tree of causes that an order's path is drawn as."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tools.log_search import LogLine
from tools.ops.causal_tree import Execution, Node, drawn, tree_of

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NAMES = {
    "api-1": "OrdersApi",
    "relay-1": "OrdersRelay",
    "saga-1": "OrdersStartExecutions",
    "step-1": "OrdersSteps",
}


def at(milliseconds: int) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


def line(milliseconds: int, function: str, message: str, cause: str, **fields: Any) -> LogLine:
    return LogLine(
        at(milliseconds), function, {"message": message, "service": "orders", "causation_id": cause, **fields}
    )


REQUEST = line(
    50, "api-1", "request answered", "r-1", method="POST", resource="/orders", status=201, duration_ms=50
)


def published(milliseconds: int, name: str, cause: str, written: int) -> LogLine:
    return line(
        milliseconds,
        "relay-1",
        "event published",
        cause,
        event_id=name,
        event_type=name.rpartition(":")[2],
        occurred_at=at(written).isoformat(),
    )


PLACED = published(200, "o:1:order.placed", "r-1", 40)
SAGA_STARTED = [
    line(310, "saga-1", "execution started", "o:1:order.placed", execution="o"),
    line(320, "saga-1", "event consumed", "o:1:order.placed", duration_ms=20),
]
CONFIRMED = line(450, "step-1", "step done", "o/confirm", step="confirm", execution="o", duration_ms=30)
SAGA = Execution("OrderSaga", "o", "", at(312), at(500))


def outline(nodes: list[Node]) -> list[Any]:
    return [(node.what, outline(node.children)) if node.children else node.what for node in nodes]


def test_everything_hangs_below_its_cause() -> None:
    lines = [CONFIRMED, *SAGA_STARTED, PLACED, REQUEST]
    roots = tree_of(lines, NAMES, [(at(40), "placed"), (at(440), "confirmed")], [SAGA])
    assert outline(roots) == [
        (
            "POST /orders 201  (OrdersApi)",
            [
                "the order is placed",
                (
                    "order.placed  published",
                    [
                        (
                            "OrdersStartExecutions",
                            [("OrderSaga", [("OrdersSteps confirm", ["the order is confirmed"])])],
                        )
                    ],
                ),
            ],
        )
    ]
    assert drawn(roots)[:3] == [
        "    0.000 s  POST /orders 201  (OrdersApi)  50 ms",
        "    0.040 s  ├─ the order is placed",
        "    0.040 s  └─ order.placed  published  after 160 ms",
    ]


def test_a_change_belongs_to_the_work_that_it_lies_within_not_to_a_shorter_one_soon_after() -> None:
    request = line(
        12, "api-1", "request answered", "r-1", method="POST", resource="/orders", status=201, duration_ms=12
    )
    consumed = line(36, "saga-1", "event consumed", "o:1:order.placed", duration_ms=9)
    assert outline(tree_of([request, consumed], NAMES, [(at(6), "placed")], [])) == [
        ("POST /orders 201  (OrdersApi)", ["the order is placed"]),
        "OrdersStartExecutions",
    ]


def test_a_node_without_a_known_cause_is_a_root() -> None:
    assert outline(tree_of([CONFIRMED], NAMES, [(at(40), "placed")], [])) == [
        "the order is placed",
        "OrdersSteps confirm",
    ]


def test_a_failure_shows_its_name() -> None:
    failed = line(450, "step-1", "step failed", "o/confirm", step="confirm", execution="o", error="Contended")
    letter = line(
        460, "saga-1", "message can never succeed; moved to the dead letters", "e", reason="UnknownVersion: 9"
    )
    assert outline(tree_of([failed, letter], NAMES, [], [])) == [
        "OrdersSteps confirm  failed: Contended",
        "OrdersStartExecutions  dead letter: UnknownVersion: 9",
    ]


def test_a_function_of_several_steps_is_shown_with_its_step() -> None:
    authorized = line(450, "step-2", "step done", "o/authorize", step="authorize", execution="o")
    assert outline(tree_of([authorized], NAMES | {"step-2": "PaymentsSteps"}, [], [])) == [
        "PaymentsSteps authorize"
    ]


def test_a_second_execution_of_the_same_name_has_the_later_steps() -> None:
    undone = line(950, "step-1", "step done", "o/cancel", step="cancel", execution="o", duration_ms=10)
    cancellation = Execution("OrderCancellation", "o", "SUCCEEDED", at(900), at(1000))
    assert outline(tree_of([CONFIRMED, undone], NAMES, [], [SAGA, cancellation])) == [
        ("OrderSaga", ["OrdersSteps confirm"]),
        ("OrderCancellation  succeeded", ["OrdersSteps cancel"]),
    ]


def test_an_event_that_was_published_twice_is_drawn_once() -> None:
    again = published(900, "o:1:order.placed", "r-1", 40)
    [request] = tree_of([REQUEST, PLACED, again, again], NAMES, [], [])
    assert [node.what for node in request.children] == ["order.placed  published, and again"]


def test_of_the_consumers_of_an_event_the_one_of_the_publishing_service_wrote_the_next() -> None:
    other = LogLine(
        at(330), "mail-1", {**SAGA_STARTED[1].fields, "service": "notifications", "duration_ms": 20}
    )
    following = published(400, "o:2:order.moved", "o:1:order.placed", 315)
    [request] = tree_of([REQUEST, PLACED, SAGA_STARTED[1], other, following], NAMES, [], [])
    [(_, consumers)] = outline(request.children)
    assert consumers == [("OrdersStartExecutions", ["order.moved  published"]), "mail-1"]


def test_an_execution_shows_its_failed_tasks() -> None:
    run = Execution(
        "OrderCancellation", "o", "FAILED", at(0), None, [(at(5), "ParkOrder failed: States.Timeout")]
    )
    assert outline(tree_of([], NAMES, [], [run])) == [
        ("OrderCancellation  failed", ["ParkOrder failed: States.Timeout"])
    ]
