"""How long an order takes to be confirmed, and each change of it to reach its customer over an open WebSocket.

    make benchmark-live        (or `.venv/bin/python -m benchmarks.live_latency --orders 50`)

One customer watches all their orders and places one after the other, each when the one before is confirmed. A message
says when the change happened, which is when the orders service wrote it. How long that is ago when the message arrives
is the latency, by one clock. The time to the confirmation goes from before the POST to the moment of that change.
The first orders, which meet cold functions, are not counted.
"""

import argparse
import statistics
import sys
import threading
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from tools.command_line import at_least
from tools.console import StepError, fail
from tools.shop.client import Shop
from tools.shop.seed import load
from tools.shop.watch import Watcher, watching
from tools.stack import Stack
from tools.waiting import wait_for

SKU = "TEA-ASSAM-100"
_WARM_UP = 3


class Arrival(NamedTuple):
    """A message: the order's new status, the moment of that change, and the moment of the message's arrival."""

    status: str
    changed: datetime
    at: datetime


def measure(stack: Stack, orders: int) -> dict[str, list[float]]:
    """The latencies in seconds, by what was measured."""
    shop = Shop(stack)
    customer = shop.sign_up("Latency Example")
    arrivals: dict[str, list[Arrival]] = defaultdict(list)
    sent: dict[str, datetime] = {}
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        listening = threading.Thread(target=_listen, args=(watcher, arrivals), daemon=True)
        listening.start()
        for _ in range(_WARM_UP + orders):
            before = datetime.now(UTC)
            placed: str = shop.place(customer, {SKU: 1}).json()["order_id"]
            sent[placed] = before
            wait_for(partial(_is_confirmed, arrivals, placed), f"{placed} to arrive as confirmed", seconds=60)
        watcher.socket.close()
        listening.join()
    latencies: dict[str, list[float]] = defaultdict(list)
    for order_id in list(sent)[_WARM_UP:]:
        for arrival in arrivals[order_id]:
            latencies[f"{arrival.status} to its message"].append(
                (arrival.at - arrival.changed).total_seconds()
            )
            if arrival.status == "confirmed":
                latencies["POST to confirmed"].append((arrival.changed - sent[order_id]).total_seconds())
    return latencies


def _is_confirmed(arrivals: dict[str, list[Arrival]], order_id: str) -> bool:
    return any(arrival.status == "confirmed" for arrival in arrivals[order_id])


def _listen(watcher: Watcher, arrivals: dict[str, list[Arrival]]) -> None:
    for change in watcher.follow():
        arrival = Arrival(change["status"], datetime.fromisoformat(change["at"]), datetime.now(UTC))
        arrivals[change["order_id"]].append(arrival)


def _row(what: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    within = sum(second <= 1 for second in ordered) / len(ordered)
    return (
        f"| {what} | {len(ordered)} | {statistics.median(ordered) * 1000:.0f} | {p95 * 1000:.0f} "
        f"| {ordered[-1] * 1000:.0f} | {within:.0%} |"
    )


def main() -> int:
    """Prints the table; the exit code to end with."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=at_least(1), default=50, help="how many are measured (default: 50)")
    orders = parser.parse_args().orders
    try:
        stack = Stack.current()
        load(stack)
        latencies = measure(stack, orders)
    except StepError as error:
        return fail(error)
    print(
        "| from … to | measured | median ms | p95 ms | longest ms | within a second |\n|---|---|---|---|---|---|"
    )
    for what, seconds in latencies.items():
        print(_row(what, seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
