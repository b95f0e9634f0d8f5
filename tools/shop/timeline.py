"""One order's path across the services in the order of time.

It has the order's history, the steps of its saga and its cancellation, its payment, its parcel and its mails.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tools.log_search import search
from tools.stack import Stack


@dataclass(frozen=True)
class Moment:
    """One entry of an order's timeline."""

    at: datetime
    service: str
    what: str


def timeline(stack: Stack, order: dict[str, Any]) -> list[Moment]:
    """The timeline of `order` (as the API answers it), oldest first."""
    moments = [Moment(_time(entry["at"]), "orders", entry["status"]) for entry in order["history"]]
    moments += _steps(stack, order["order_id"], since=moments[0].at)
    moments += _fulfilment(stack, order["order_id"])
    moments += [
        Moment(_time(mail["Timestamp"]), "notifications", f"mail “{mail['Subject']}”")
        for mail in (stack.sent_mails() if stack.shows_mails else [])
        if order["order_id"] in mail["BodyText"]
    ]
    return sorted(moments, key=lambda moment: moment.at)


def _fulfilment(stack: Stack, order_id: str) -> list[Moment]:
    """The outcomes of capture and dispatch, as the orders service received them."""
    item = stack.client("dynamodb").get_item(
        TableName=stack.resource("OrdersTable"), Key={"pk": {"S": order_id}}, ConsistentRead=True
    )
    stored = item.get("Item", {})
    outcomes = {
        "captured_at": ("payments", "payment captured"),
        "capture_failed_at": ("payments", "payment could not be captured"),
        "dispatched_at": ("shipping", "parcel dispatched"),
    }
    return [Moment(_time(stored[name]["S"]), *what) for name, what in outcomes.items() if name in stored]


def _steps(stack: Stack, order_id: str, *, since: datetime) -> list[Moment]:
    """The steps that the order's state machines have taken, as the steps' functions logged them."""
    lines = search(stack, stack.functions, order_id, since=since - timedelta(seconds=1))
    moments = []
    for line in lines:
        if (
            "step" in line.fields
            and "execution" in line.fields
            and line.fields["message"].startswith("step ")
        ):
            is_saga = str(line.fields["execution"]).endswith("-saga")
            failed = f" failed: {line.fields['error']}" if "error" in line.fields else ""
            what = f"{line.fields['service']} {line.fields['step']}{failed}"
            moments.append(Moment(line.at, "order saga" if is_saga else "cancellation", what))
    return moments


def _time(text: str | float) -> datetime:
    if isinstance(text, int | float):
        return datetime.fromtimestamp(text, UTC)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
