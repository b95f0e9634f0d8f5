"""The shop with any number of past orders in its tables, and what each function then takes for the next ones."""

import itertools
import json
import re
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.component.orders.account import order_body
from tests.component.rest_events import claims_of, rest_event
from tests.faults.answers import Answer
from tests.faults.cloud import Cloud
from tests.faults.deliveries import SCHEDULED, sqs_record
from tests.faults.faults import Call
from tests.faults.machine import part_of
from tests.faults.requests import erasure, placement
from tests.faults.world import Work, World
from tests.growth.tables import GrownTables

SKU, RARE = "MUG-BLUE", "TEA-RARE"
BUYER, ADMIN = "customer-of-many-orders", "admin-of-the-shop"
"""The buyer placed each tenth of the past orders, and places the measured ones."""
_BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
_ORDERS_OF_THE_BUYER = 10
_OTHER_CUSTOMERS = 5003
_PIECES = 1_000_000
# The ids that belong to one order.
_IDENTITY = re.compile(r"\b(ord|pi|shp)_[0-9a-f]{8,}")
_AN_HOUR_SECONDS = 3600
_A_WEEK_SECONDS = 7 * 24 * 3600
_EXPORT_OF_THE_DAY = {
    "job": {"job_id": "job_1", "correlation_id": "export"},
    "request": {"format": "csv", "from": "2026-03-02", "to": "2026-03-02"},
    "page": {"number": 1, "day": "", "after": ""},
}
_POSITION = re.compile(r"^change#(\d+)$")


@dataclass(frozen=True)
class Cost:
    """What one invocation takes: calls of other services, items that DynamoDB reads and writes, and its own work.

    The work is seconds of processor time, or the number of functions that the invocation calls, Python's own included.
    The number depends on no clock, no cache and no other program.
    """

    calls: float
    read: float
    written: float
    work: float

    @property
    def counted(self) -> tuple[float, float, float]:
        """Calls and items."""
        return self.calls, self.read, self.written


@dataclass(frozen=True)
class Measured:
    """The costs for each function and use: with the median of the processor time, and with the functions called."""

    timed: dict[str, Cost]
    counted: dict[str, Cost]


@dataclass
class _Invocation:
    """What one invocation has taken so far."""

    calls: int = 0
    # What whoever was called took, and read and wrote, beyond the items of the call itself.
    elsewhere: float = 0.0
    provider: Counter[str] = field(default_factory=Counter)


@contextmanager
def _counting_functions() -> Iterator[Callable[[], int]]:
    """Yields what tells how many functions were called since; counting makes each call slower."""
    called = itertools.count()
    tool, monitoring = sys.monitoring.PROFILER_ID, sys.monitoring
    monitoring.use_tool_id(tool, "growth")
    monitoring.register_callback(tool, monitoring.events.CALL, lambda *_: next(called))
    monitoring.set_events(tool, monitoring.events.CALL)
    try:
        # Its own call counts one, each time.
        yield lambda: next(called)
    finally:
        monitoring.set_events(tool, monitoring.events.NO_EVENTS)
        monitoring.free_tool_id(tool)


class GrownShop(Cloud):
    """The shop in one process; every invocation is measured while `measures`."""

    def __init__(self) -> None:
        super().__init__()
        self.memory.used = False
        self.grown = GrownTables(self.template.tables)
        self.tables = self.grown
        # The functions that only look on cost something, too.
        onlookers = [
            entry for entry in self.template.consumers if not entry[1].startswith(("Archive", "Users"))
        ]
        self.template.__dict__["subscribers"] = onlookers
        self.measures = False
        self.work: Callable[[], float] = time.process_time
        self.costs: dict[str, list[Cost]] = defaultdict(list)

    def _run(
        self,
        function: str,
        event: dict[str, Any],
        ask: Callable[[Call], Answer],
        new_provider_id: Callable[[], str] | None = None,
    ) -> Answer:
        measured = _Invocation()

        def asked(call: Call) -> Answer:
            began, before = self.work(), Counter(self.grown.counts)
            try:
                return ask(call)
            finally:
                measured.calls += 1
                measured.elsewhere += self.work() - began
                if call.service == "provider":
                    measured.provider += self.grown.counts - before

        before, began = Counter(self.grown.counts), self.work()
        answer = super()._run(function, event, asked, new_provider_id)
        work = self.work() - began - measured.elsewhere
        moved = self.grown.counts - before - measured.provider
        if self.measures and answer.error is None:
            cost = Cost(measured.calls, moved["read"], moved["written"], work)
            self.costs[_label(function, event)].append(cost)
        return answer

    def _served(self, service: str, operation: str, arguments: dict[str, Any]) -> Any:
        return {} if service == "s3" else super()._served(service, operation, arguments)

    def finish(self) -> None:
        """Goes on until nothing is pending; time passes only if nothing else is left to happen."""
        while self.world.pending or self.world.latest:
            if not self.world.pending:
                self.world.pending.append(self.world.latest.pop(0))
            self._do(self.world.pending.pop(0), None)

    def order(self, key: str, **changes: Any) -> str:
        """The buyer orders two products; returns the order's id."""
        work = placement(BUYER, order_body((SKU, 2), (RARE, 1), **changes))
        work.about["headers"]["Idempotency-Key"] = key
        self.world.pending.append(work)
        self.finish()
        return self.world.answered[-1][2]

    def typical(self) -> dict[str, Cost]:
        """The measured costs for each function and use since the last call of this."""
        costs, self.costs = self.costs, defaultdict(list)
        return {label: _typical(several) for label, several in sorted(costs.items())}

    def request(self, method: str, path: str, *, groups: str = "customer", **options: Any) -> None:
        """A request that is measured; fails unless it succeeds."""
        claims = claims_of(BUYER if groups == "customer" else ADMIN, groups=groups)
        event = rest_event(method, path, claims=claims, **options)
        service = "Inventory" if path.startswith("/inventory") else "Orders"
        answer = self._invoke(f"{service}ApiFunction", event)
        assert answer["statusCode"] < 300, answer
        self._collect_streams()
        self.finish()


@contextmanager
def shop_with(orders: int) -> Iterator[GrownShop]:
    """A shop that has fulfilled so many orders, all on one day."""
    shop = GrownShop()
    with shop.running():
        _open(shop)
        pattern = shop.order("the-first-order")
        _multiply(shop.grown, pattern, orders)
        yield shop


def measure(orders: int, *, repeats: int = 5) -> Measured:
    """What an invocation takes for each function and use, with so many orders in the tables."""
    with shop_with(orders) as shop:
        # The first turn imports what the functions need.
        _one_turn(shop, "first")
        shop.measures = True
        for turn in range(repeats):
            _one_turn(shop, f"turn-{turn}")
        timed = shop.typical()
        with _counting_functions() as shop.work:
            _one_turn(shop, "counted")
        return Measured(timed, shop.typical())


def measure_readers(orders: int) -> dict[str, Cost]:
    """What a job takes that reads as many items as there are, or one page of them. The work is processor time."""
    with shop_with(orders) as shop:
        for measures in (False, True):
            shop.measures = measures
            shop._invoke("OrdersExportPageFunction", _EXPORT_OF_THE_DAY)
            shop._invoke("OrdersEraseFunction", {"Records": [sqs_record(0, erasure(BUYER, ""))]})
            shop.world.clock = _A_WEEK_SECONDS
            shop._invoke("ReportsMakeWeeklyReportFunction", SCHEDULED)
        return shop.typical()


def _one_turn(shop: GrownShop, name: str) -> None:
    # An account may have few declined payments within an hour.
    shop.world.clock += _AN_HOUR_SECONDS
    order_id = shop.order(f"{name}-good")
    shop.order(f"{name}-declined", payment_token="pm_card_chargeDeclined")
    shop.request("GET", f"/orders/{order_id}")
    shop.request("GET", "/orders", query={"limit": "2"})
    shop.request("GET", "/orders", query={"limit": "2", "status": "fulfilled"})
    shop.request("GET", "/orders/attention", groups="admin")
    shop.request("GET", "/inventory", groups="admin", query={"limit": "2"})
    shop.request("GET", f"/inventory/{SKU}", groups="admin")
    shop.request("GET", f"/inventory/{SKU}/movements", groups="admin", query={"limit": "2"})
    shop.world.pending.append(_placement_to_cancel(name))
    while shop.world.pending:
        shop._do(shop.world.pending.pop(0), None)
    cancelled = shop.world.answered[-1][2]
    shop.request("POST", f"/orders/{cancelled}/cancel")
    for function in shop.template.scheduled:
        shop._invoke(function, SCHEDULED)


def _placement_to_cancel(name: str) -> Work:
    work = placement(BUYER, order_body((SKU, 1)))
    work.about["headers"]["Idempotency-Key"] = f"{name}-cancelled"
    return work


def _label(function: str, event: dict[str, Any]) -> str:
    name = part_of(function, event).replace("Function", "")
    if "httpMethod" not in event:
        return name
    path = re.sub(
        r"(?<=/orders/)ord_\w+|(?<=/inventory/)[A-Z-]+|(?<=/payment_intents/)pi_\w+", "…", event["path"]
    )
    query = "&".join(sorted(event["queryStringParameters"] or {}))
    return f"{name} {event['httpMethod']} {path}" + (f"?{query}" if query and "search" not in path else "")


def _typical(costs: list[Cost]) -> Cost:
    calls, read, written, work = zip(
        *((cost.calls, cost.read, cost.written, cost.work) for cost in costs), strict=True
    )
    mean, median = statistics.mean, statistics.median
    return Cost(mean(calls), mean(read), mean(written), median(work))


def _open(shop: GrownShop) -> None:
    from inventory.adapters.stock_ledger import StockLedger
    from notifications.adapters.address_book import AddressBook
    from notifications.domain.recipients import Address
    from orders.adapters.price_store import PriceStore
    from orders.domain.pricing import Price
    from shared.aws import client
    from shared.money import Money

    shop.world = World()
    stock = StockLedger(client("dynamodb"), "InventoryTable")
    prices = PriceStore(client("dynamodb"), "OrdersPricesTable")
    for sku, amount in ((SKU, 1299), (RARE, 749)):
        prices.record(Price(sku=sku, price=Money(amount=amount, currency="EUR"), active=True, version=1))
        stock.receive(sku, _PIECES, movement_id=f"delivery-{sku}", correlation_id="delivery", now=_BEGINNING)
    book = AddressBook(client("dynamodb"), "NotificationsTable")
    book.record(Address(user_id=BUYER, email="buyer@example.com", name="Buyer", version=1))
    shop.tables.written = []


def _multiply(tables: GrownTables, pattern: str, orders: int) -> None:
    """Stores each item that names the order or its customer again, as often as there are to be orders."""
    patterns = [(table, item, json.dumps(item)) for table, item in tables.stored()]
    for table, item, text in patterns:
        if pattern not in text and BUYER not in text:
            continue
        keys = {name: item[name] for name in tables.key_names(table) & item.keys()}
        for number in range(1, orders):
            replaced = _Replaced(text, number)
            tables.put(table, replaced.keys(keys), replaced)


@dataclass(frozen=True, slots=True)
class _Replaced:
    """An item of the pattern order, as one of another order."""

    text: str
    number: int

    def __call__(self) -> dict[str, Any]:
        item: dict[str, Any] = json.loads(self._in(self.text))
        return item | self._place(item)

    def keys(self, attributes: dict[str, Any]) -> dict[str, Any]:
        keys = {
            name: {kind: self._in(text) for kind, text in value.items()} for name, value in attributes.items()
        }
        return keys | self._place(keys)

    def _in(self, text: str) -> str:
        customer = BUYER
        if self.number % _ORDERS_OF_THE_BUYER:
            customer = f"customer-{self.number % _OTHER_CUSTOMERS}"
        return _IDENTITY.sub(lambda found: f"{found[1]}_{self.number:032x}", text).replace(BUYER, customer)

    def _place(self, keys: dict[str, Any]) -> dict[str, Any]:
        """A change in a customer's feed has a position of its own, below those that are still to come."""
        changed = _POSITION.match(keys.get("sk", {}).get("S", ""))
        if not changed:
            return {}
        return {"sk": {"S": f"change#{int(changed[1]):06}{self.number:06}"}}
