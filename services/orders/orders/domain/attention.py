"""Why an order needs an operator: what failed or is missing, in codes without personal data."""

import json
from typing import Any

from orders.domain.order import Order
from orders.domain.status import OrderStatus

_ERROR = "_error"


def reasons_for_attention(order: Order) -> list[str]:
    """What keeps the order from its end, in the order in which the parts of an order follow each other.

    A parked order names each step that failed, and the step's error if it left one: `void_payment: ConnectError`. Any
    other order names the part that it waits for: `decision`, `undoing`, `capture` or `dispatch`. An order at its end
    has no reasons here; its `open_issues` name the trouble with its money.
    """
    match order.status:
        case OrderStatus.PARKED:
            return _failures(json.loads(order.parked_state or "{}"))
        case OrderStatus.PLACED:
            return ["decision"]
        case OrderStatus.ABANDONED | OrderStatus.CANCELLING:
            return ["undoing"]
        case OrderStatus.CONFIRMED:
            parts = {"capture": order.captured_at, "dispatch": order.dispatched_at}
            return [part for part, done_at in parts.items() if done_at is None]
    return []


def _failures(state: dict[str, Any]) -> list[str]:
    """The failures in a parked order's state: its cancellation's, the reconciler's, or the capture's."""
    steps = [
        f"{key.removesuffix(_ERROR)}{_name(error)}" for key, error in state.items() if key.endswith(_ERROR)
    ]
    capture = ["capture"] if state.get("capture_failed_at") else []
    execution = ["undoing: its execution has ended"] if state.get("ended_execution") else []
    return [*steps, *capture, *execution]


def _name(error: Any) -> str:
    name = error.get("Error") if isinstance(error, dict) else None
    return f": {name}" if name else ""
