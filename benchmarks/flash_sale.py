"""A flash sale of one product: how many orders a second one stock item serves, and how its writers meet on it.

    make benchmark        (or `.venv/bin/python -m benchmarks.flash_sale --orders 400 --writers 1 2 4 8 16 32`)

Each writer is a thread with the shipped ReservationStore, as each concurrent execution of `inventory.steps` has one.
Together they place more orders than there are pieces, on a table of the benchmark's own with the keys and indexes of
the deployed one. At the end of a run, the reserved pieces must equal the pieces of the orders that got a reservation.
"""

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

from benchmarks.contention import ContendedDynamoDb
from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.reservation import OutOfStock, Reservation
from shared.clock import utc_now
from shared.versioned_table import WriteConflict
from tools.command_line import at_least
from tools.console import StepError, fail
from tools.settings import CREDENTIALS, REGION
from tools.stack import Stack

SKU = "FLASH-SALE-MUG"
# How long a transaction of two items is at them, at the median, within a region of AWS.
AWS_SECONDS = 0.01
# As the order saga does it: after WriteConflict, five more tries.
_STATE_MACHINE_TRIES = 6


@dataclass(frozen=True)
class Outcome:
    """What became of one order, and after how many seconds."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """One row of the table."""

    writers: int
    seconds: float
    outcomes: list[Outcome]
    counts: Counter[str]

    def row(self) -> str:
        """The run as a row of Markdown."""
        served = [outcome.seconds for outcome in self.outcomes if outcome.name == "reserved"]
        names = Counter(outcome.name for outcome in self.outcomes)
        cells = [
            self.writers,
            f"{len(self.outcomes) / self.seconds:.0f}",
            f"{names['reserved'] / self.seconds:.0f}",
            f"{self.counts['conflicts'] / self.counts['transactions']:.0%}",
            f"{self.counts['transactions'] / len(self.outcomes):.2f}",
            self.counts["step tries"] - len(self.outcomes),
            names["contended"],
            f"{statistics.median(served) * 1000:.0f}",
            f"{statistics.quantiles(served, n=20)[-1] * 1000:.0f}",
        ]
        return "| " + " | ".join(map(str, cells)) + " |"


COLUMNS = (
    "writers",
    "orders/s",
    "reserved/s",
    "conflicts",
    "transactions an order",
    "step retries",
    "given up",
    "median ms",
    "p95 ms",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
MODES = (
    ("The embedded cloud as it is: transactions wait for each other", 0.0, False),
    ("With AWS's rule: 10 ms at the items, and who comes meanwhile is refused", AWS_SECONDS, True),
)


class Sale:
    """A sale of `pieces` to `orders` orders of one piece each."""

    def __init__(self, dynamodb: Any, table: str, *, pieces: int, orders: int) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._pieces = pieces
        self._orders = orders

    def run(self, writers: int) -> Run:
        """Lets `writers` threads place the orders; raises AssertionError when the stock is wrong afterwards."""
        store = ReservationStore(self._dynamodb, self._table)
        ledger = StockLedger(self._dynamodb, self._table)
        ledger.receive(SKU, self._pieces, movement_id="sale", correlation_id="benchmark", now=utc_now())
        self._dynamodb.counts.clear()
        numbers = count()
        begun = time.monotonic()
        with ThreadPoolExecutor(writers) as pool:
            outcomes = list(pool.map(lambda _: self._order(store, next(numbers)), range(self._orders)))
        seconds = time.monotonic() - begun
        level = ledger.level(SKU)
        reserved = sum(outcome.name == "reserved" for outcome in outcomes)
        assert level is not None
        assert level.available >= 0, "oversold"
        assert level.reserved == reserved, f"{level.reserved} pieces are reserved by {reserved} orders"
        assert level.on_hand == self._pieces, "pieces were lost or made"
        return Run(writers, seconds, outcomes, Counter(self._dynamodb.counts))

    def _order(self, store: ReservationStore, number: int) -> Outcome:
        wanted = Reservation.of(f"sale-{number}", "benchmark", [(SKU, 1)])
        begun = time.monotonic()
        for attempt in range(_STATE_MACHINE_TRIES):
            self._dynamodb.counts["step tries"] += 1
            try:
                store.reserve(wanted, utc_now())
            except WriteConflict:
                # Step Functions waits for seconds here, which would only make the benchmark longer: at once instead,
                # which makes the contention worse than it is.
                if attempt == _STATE_MACHINE_TRIES - 1:
                    return Outcome("contended", time.monotonic() - begun)
            except OutOfStock:
                return Outcome("out of stock", time.monotonic() - begun)
            else:
                break
        return Outcome("reserved", time.monotonic() - begun)


@contextmanager
def table_like(dynamodb: Any, original: str) -> Iterator[str]:
    """The name of an empty table with the keys and indexes of `original`, until the end of the block."""
    described = dynamodb.describe_table(TableName=original)["Table"]
    name = f"flash-sale-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=described["KeySchema"],
        AttributeDefinitions=described["AttributeDefinitions"],
        GlobalSecondaryIndexes=[
            {field: index[field] for field in ("IndexName", "KeySchema", "Projection")}
            for index in described["GlobalSecondaryIndexes"]
        ],
    )
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)


def main() -> int:
    """Prints the tables that the arguments ask for; the exit code to end with."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flash_sale", description=__doc__)
    parser.add_argument(
        "--orders", type=at_least(1), default=400, help="orders of one piece each (default: 400)"
    )
    parser.add_argument("--writers", type=at_least(1), nargs="+", default=[1, 2, 4, 8, 16, 32])
    arguments = parser.parse_args()
    try:
        stack = Stack.current()
    except StepError as error:
        return fail(error)
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=stack.endpoint,
        region_name=REGION,
        config=Config(max_pool_connections=max(arguments.writers)),
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    pieces = arguments.orders * 9 // 10
    print(f"{arguments.orders} orders for {pieces} pieces of one product.")
    for title, seconds, refuses in MODES:
        print(f"\n**{title}**\n\n{HEAD}")
        for writers in arguments.writers:
            with table_like(dynamodb, stack.resource("InventoryTable")) as table:
                contended = ContendedDynamoDb(dynamodb, seconds=seconds, refuses=refuses)
                run = Sale(contended, table, pieces=pieces, orders=arguments.orders).run(writers)
                print(run.row(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
