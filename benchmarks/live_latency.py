"""Live updates: how long a change of an order takes to reach its customer, over an open WebSocket.

    make benchmark-live        (or `.venv/bin/python -m benchmarks.live_latency --orders 50`)

One customer watches all their orders and places one after the other, each when the one before is confirmed. A message
says when the change happened, which is when the orders service wrote it. How long that is ago when the message arrives
is the latency, by one clock. The first orders, which meet cold functions, are not counted.
"""

import argparse
import statistics
import sys
import threading
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial

from tools.console import StepError, fail
from tools.shop.client import Shop
from tools.shop.seed import load
from tools.shop.watch import Watcher, watching
from tools.stack import Stack
from tools.waiting import wait_for

SKU = "TEA-ASSAM-100"
_WARM_UP = 3


def measure(stack: Stack, orders: int) -> dict[str, list[float]]:
    """The latencies in seconds, by status."""
    shop = Shop(stack)
    customer = shop.sign_up("Latency Example")
    arrivals: dict[str, list[tuple[str, float]]] = defaultdict(list)
    with watching(stack, customer.token) as watcher:
        watcher.request("subscribe")
        listening = threading.Thread(target=_listen, args=(watcher, arrivals), daemon=True)
        listening.start()
        for _ in range(_WARM_UP + orders):
            placed: str = shop.place(customer, {SKU: 1}).json()["order_id"]
            wait_for(partial(_is_confirmed, arrivals, placed), f"{placed} to arrive as confirmed", seconds=60)
        watcher.socket.close()
        listening.join()
    latencies: dict[str, list[float]] = defaultdict(list)
    for changes in list(arrivals.values())[_WARM_UP:]:
        for status, seconds in changes:
            latencies[status].append(seconds)
    return latencies


def _is_confirmed(arrivals: dict[str, list[tuple[str, float]]], order_id: str) -> bool:
    return "confirmed" in {status for status, _ in arrivals[order_id]}


def _listen(watcher: Watcher, arrivals: dict[str, list[tuple[str, float]]]) -> None:
    for change in watcher.follow():
        seconds = (datetime.now(UTC) - datetime.fromisoformat(change["at"])).total_seconds()
        arrivals[change["order_id"]].append((change["status"], seconds))


def _row(status: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    within = sum(second <= 1 for second in ordered) / len(ordered)
    return (
        f"| {status} | {len(ordered)} | {statistics.median(ordered) * 1000:.0f} | {p95 * 1000:.0f} "
        f"| {ordered[-1] * 1000:.0f} | {within:.0%} |"
    )


def main() -> int:
    """Prints the table; the exit code to end with."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=50, help="how many are measured (default: 50)")
    orders = parser.parse_args().orders
    try:
        stack = Stack.current()
        load(stack)
        latencies = measure(stack, orders)
    except StepError as error:
        return fail(error)
    print(
        "| status | changes | median ms | p95 ms | longest ms | within a second |\n|---|---|---|---|---|---|"
    )
    for status, seconds in latencies.items():
        print(_row(status, seconds))
    print(_row("all", [second for seconds in latencies.values() for second in seconds]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
