"""The rounds: each function once, in groups that have a stock of their own, and the requests of the orders API."""

import json
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import batched
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

from botocore import xform_name

from benchmarks.starts.built import Figures, Subject, start
from benchmarks.starts.loopback import DynamoDb
from benchmarks.starts.table import Report, Requests, Start
from orders.domain.order import order_id_for
from tools.settings import REPOSITORY

# So many functions are compared with one start of stock.
_GROUP = 6
_WARM = 30
_SOLD = {"TEA-ASSAM-100": 790, "TEA-INFUSER-ST": 1299}
_REQUEST = json.loads((REPOSITORY / "events" / "orders_api.json").read_text())


class Measurement:
    """What was measured so far."""

    def __init__(
        self, functions: Sequence[Subject], stock: Subject, bare: Subject, database: DynamoDb
    ) -> None:
        self._functions = functions
        self._stock, self._bare = stock, bare
        self._database = database
        self._orders = next(function for function in functions if function.name == "OrdersApiFunction")
        # Each start of a function, with the start of stock that is nearest to it.
        self._starts: dict[str, list[tuple[Figures, Figures]]] = defaultdict(list)
        self._requests: list[tuple[Figures, Figures]] = []
        self._events = _orders_and_reads()
        self._bare_events = self._recorded()

    def round(self, number: int) -> Iterator[str]:
        """Starts everything once; yields the name of each function when it is done."""
        order = Random(number).sample(self._functions, len(self._functions))  # noqa: S311 # nosec B311 - no secret
        for group in batched(order, _GROUP, strict=False):
            stock = start(self._stock, endpoint=self._database.endpoint)
            for function in group:
                figures = start(function, endpoint=self._database.endpoint)
                self._starts[function.name].append((figures, stock))
                yield function.name
        self._requests.append(
            (self._called(self._orders, self._events), self._called(self._bare, self._bare_events))
        )
        yield "requests"

    def report(self) -> Report:
        """The medians of the rounds."""
        stocks = {id(stock): stock for pairs in self._starts.values() for _, stock in pairs}.values()
        stock = _start("stock", [(stock, stock) for stock in stocks])
        starts = [_start(function.name, self._starts[function.name]) for function in self._functions]
        return Report(
            len(self._requests), stock, starts, [_requests(name, self._requests) for name in _PARTS]
        )

    def _called(self, subject: Subject, events: list[Any]) -> Figures:
        self._database.empty(_SOLD)
        return start(subject, events, self._database.endpoint)

    def _recorded(self) -> list[Any]:
        """For each event of the orders API, the calls that it makes."""
        ends = self._called(self._orders, self._events).ends
        made: list[list[Any]] = [[] for _ in ends]
        for moment, operation, arguments in self._database.calls:
            made[bisect(ends, moment)].append((xform_name(operation), arguments))
        return [{"calls": calls} for calls in made]


def _orders_and_reads() -> list[Any]:
    """A first order, more of them, and as many readings of the first one. A customer may have few undecided orders, so
    each order has a customer of its own."""
    orders = []
    for number in range(1 + _WARM):
        order = deepcopy(_REQUEST)
        order["requestContext"]["authorizer"]["claims"]["sub"] = str(UUID(int=number))
        order["headers"]["Idempotency-Key"] = f"benchmark-{number:04}"
        order["multiValueHeaders"]["Idempotency-Key"] = [f"benchmark-{number:04}"]
        orders.append(order)
    read = deepcopy(_REQUEST)
    customer = str(UUID(int=0))
    read["requestContext"]["authorizer"]["claims"]["sub"] = customer
    order_id = order_id_for(customer, "benchmark-0000")
    read |= {
        "httpMethod": "GET",
        "path": f"/orders/{order_id}",
        "resource": "/orders/{order_id}",
        "body": None,
    }
    read["pathParameters"] = {"order_id": order_id}
    read["requestContext"]["httpMethod"] = "GET"
    return [*orders, *[read] * _WARM]


def _start(name: str, pairs: list[tuple[Figures, Figures]]) -> Start:
    return Start(
        name,
        init=median(own.init for own, _ in pairs),
        wall=median(own.wall for own, _ in pairs),
        peak=median(own.peak for own, _ in pairs),
        ratio=median(own.init / stock.init for own, stock in pairs),
    )


# The compared parts, and the processor time of a process for each.
_PARTS = {
    "init + first POST /orders": lambda figures: figures.init + figures.calls[0],
    "first POST /orders alone": lambda figures: figures.calls[0],
    "POST /orders, warm": lambda figures: median(figures.calls[1 : 1 + _WARM]),
    "GET /orders/{order_id}, warm": lambda figures: median(figures.calls[1 + _WARM :]),
}


def _requests(name: str, pairs: list[tuple[Figures, Figures]]) -> Requests:
    taken = [(_PARTS[name](own), _PARTS[name](bare)) for own, bare in pairs]
    own, bare = (median(values) for values in zip(*taken, strict=True))
    return Requests(name, own, bare, ratio=median(one / other for one, other in taken))
