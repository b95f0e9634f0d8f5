"""The orders that the harness sends through the shop."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.money import Money
from tests.component.orders.account import order_body
from tests.faults.cloud import Cloud
from tests.faults.requests import Return, cancellation, erasure, key_of, placement
from tests.faults.world import Work, World

SKU, RARE = "MUG-BLUE", "TEA-RARE"
type Ask = Callable[[str], Work]
"""What somebody asks about the order of that id."""
_SEEDED = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scenario:
    """Orders, each a customer and the body of the placement, and what others may do meanwhile."""

    name: str
    orders: list[tuple[str, dict[str, Any]]]
    cancels: bool = False
    # Whether the first customer closes the account: orders and shipping hear of it at any two moments.
    leaves: bool = False
    races: int = 0
    # How many sagas each start of one makes.
    sagas: int = 1
    # Whether a confirmed order is packed before it is dispatched: while anything else is left to happen.
    packs: bool = True
    # Once the first order is fulfilled: what was asked about it, one after the other, before the schedules begin,
    before: tuple[Ask, ...] = ()
    # what they begin with,
    then: tuple[Ask, ...] = ()
    # and what others may ask meanwhile, by name of the action.
    later: dict[str, Ask] = field(default_factory=dict)
    # How many times a request or message may run between two calls of another of the same service.
    crossings: int = 0
    # What becomes of the orders when nothing goes wrong.
    ends: list[str] = field(default_factory=list)


def _address(country: str) -> dict[str, Any]:
    return {**order_body()["shipping_address"], "country": country}


# A blue mug; and all the rest of that order, of which the tea cannot be sold again.
_MUG = Return("returns-a-mug", {SKU: 1})
_REST = Return("returns-the-rest", {SKU: 1, RARE: 1}, written_off={RARE: 1})
# Both mugs, twice: only one of the two can be.
_MUGS, _MUGS_AGAIN = Return("returns-mugs", {SKU: 2}), Return("returns-mugs-again", {SKU: 2})

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("good", [("ada", order_body((SKU, 2), (RARE, 1)))], ends=["fulfilled"]),
        Scenario("out-of-stock", [("ada", order_body((SKU, 1), (RARE, 2)))], ends=["rejected"]),
        Scenario(
            "declined",
            [("ada", order_body((SKU, 2), payment_token="pm_card_chargeDeclined"))],
            ends=["rejected"],
        ),
        Scenario(
            "unserved", [("ada", order_body((SKU, 2), shipping_address=_address("JP")))], ends=["rejected"]
        ),
        Scenario(
            "race",
            [("ada", order_body((RARE, 1))), ("bob", order_body((RARE, 1)))],
            races=1,
            ends=["fulfilled", "rejected"],
        ),
        # Each start makes two sagas. They take turns, and a step of one may run between two calls of the other.
        Scenario("twice", [("ada", order_body((SKU, 2)))], sagas=2, races=1, ends=["fulfilled"]),
        Scenario(
            "twice-unserved",
            [("ada", order_body((SKU, 2), shipping_address=_address("JP")))],
            sagas=2,
            races=1,
            ends=["rejected"],
        ),
        Scenario("cancel", [("ada", order_body((SKU, 2)))], cancels=True, ends=["cancelled"]),
        # The parcel leaves at once, and the customer cancels at any moment around that.
        Scenario(
            "cancel-late", [("ada", order_body((SKU, 2)))], cancels=True, packs=False, ends=["fulfilled"]
        ),
        Scenario(
            "unpaid",
            [("ada", order_body((SKU, 2), payment_token="pm_sandbox_capture_expired"))],
            ends=["cancelled"],
        ),
        Scenario("leave", [("ada", order_body((SKU, 2)))], leaves=True, ends=["cancelled"]),
        # The parcel leaves at once, and the customer closes the account at any moment around that.
        Scenario("leave-late", [("ada", order_body((SKU, 2)))], leaves=True, packs=False, ends=["fulfilled"]),
        # These begin when the order is fulfilled. Here the returns service has yet to hear of it.
        Scenario(
            "return",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            later={"return": _MUG.request, "accept": _MUG.acceptance, "inspect": _MUG.inspection},
            ends=["fulfilled"],
        ),
        # All of the order comes back, in two parcels at once.
        Scenario(
            "returns",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            before=(_MUG.request, _REST.request, _MUG.acceptance, _REST.acceptance),
            then=(_MUG.inspection, _REST.inspection),
            crossings=1,
            ends=["fulfilled"],
        ),
        # Two requests for the same pieces at once, and the customer closes the account at any moment around them.
        Scenario(
            "return-leave",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            then=(_MUGS.request, _MUGS_AGAIN.request),
            crossings=1,
            later={"leave": lambda _: erasure("ada", "ReturnsFollowFunction")},
            ends=["fulfilled"],
        ),
        # Two operators decide at once, and not alike.
        Scenario(
            "return-refused",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            before=(_MUG.request,),
            then=(_MUG.refusal, _MUG.acceptance),
            crossings=1,
            ends=["fulfilled"],
        ),
        # The customer withdraws the return at any moment around its label.
        Scenario(
            "return-withdrawn",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            before=(_MUG.request,),
            then=(_MUG.acceptance,),
            later={"withdraw": _MUG.withdrawal},
            ends=["fulfilled"],
        ),
        # The provider accepts the refund, and reports at any later moment that it failed.
        Scenario(
            "return-bounces",
            [("ada", order_body((SKU, 2), (RARE, 1), payment_token="pm_card_refundFail"))],
            before=(_MUG.request, _MUG.acceptance),
            then=(_MUG.inspection,),
            later={"bounce": lambda _: Work("bounce", {})},
            ends=["fulfilled"],
        ),
    )
}


def begin(cloud: Cloud, scenario: Scenario) -> None:
    """Fills the shelves and lets the customers order."""
    from orders.domain.order import order_id_for

    _stock(cloud)
    cloud.world = World()
    for customer, body in scenario.orders:
        cloud.world.pending.append(placement(customer, body))
    if scenario.cancels:
        customer = scenario.orders[0][0]
        cloud.world.actions["cancel"] = cancellation(customer, order_id_for(customer, key_of(customer)))
    if scenario.leaves:
        customer = scenario.orders[0][0]
        cloud.world.actions["leave"] = erasure(customer, "OrdersEraseFunction")
        cloud.world.actions["forget"] = erasure(customer, "ShippingEraseFunction")
    cloud.world.races = scenario.races
    cloud.world.starts = scenario.sagas
    cloud.world.packs = scenario.packs
    if scenario.before or scenario.then or scenario.later:
        _fulfil(cloud, scenario, order_id_for(scenario.orders[0][0], key_of(scenario.orders[0][0])))


def _fulfil(cloud: Cloud, scenario: Scenario, order_id: str) -> None:
    """Brings the first order to its end, and what was asked `before`. Nothing goes wrong, so no schedule counts it."""
    cloud.world.pending = _finish(cloud, holding_back="ReturnsFollowFunction")
    if scenario.before or scenario.then:
        _finish(cloud)
    # Shipping books a label at once, and not when everything else has come to an end.
    cloud.world.packs = False
    for ask in scenario.before:
        cloud.world.pending.append(ask(order_id))
        _finish(cloud)
    # That is behind them: what comes is judged by what it begins with.
    cloud.world.answered.clear()
    cloud.world.pending += [ask(order_id) for ask in scenario.then]
    cloud.world.actions |= {name: ask(order_id) for name, ask in scenario.later.items()}
    cloud.world.crossings = scenario.crossings


def _finish(cloud: Cloud, holding_back: str = "") -> list[Work]:
    """Goes on until everything has come to an end, but for the messages to the function `holding_back`: these."""
    held: list[Work] = []
    while True:
        pending, cloud.world.pending = cloud.world.pending, []
        for work in pending:
            of_it = work.kind == "message" and work.about["function"] == holding_back
            (held if of_it else cloud.world.pending).append(work)
        if cloud.idle:
            return held
        cloud.step(more=False)


def _stock(cloud: Cloud) -> None:
    from inventory.adapters.stock_ledger import StockLedger
    from notifications.adapters.address_book import AddressBook
    from notifications.domain.recipients import Address
    from orders.adapters.price_store import PriceStore
    from orders.domain.pricing import Price
    from shared.aws import client

    cloud.empty()
    # The shelves come before the first step. So moto need not be asked anew for them, whatever else is asked anew.
    remembers, cloud.tables.remembers = cloud.tables.remembers, True
    stock, prices = (
        StockLedger(client("dynamodb"), "InventoryTable"),
        PriceStore(client("dynamodb"), "OrdersPricesTable"),
    )
    addresses = AddressBook(client("dynamodb"), "NotificationsTable")
    for sku, amount, pieces in ((SKU, 1299, 5), (RARE, 749, 1)):
        prices.record(Price(sku=sku, price=Money(amount=amount, currency="EUR"), active=True, version=1))
        stock.receive(sku, pieces, movement_id=f"delivery-{sku}", correlation_id="delivery", now=_SEEDED)
    for customer in ("ada", "bob"):
        addresses.record(Address(user_id=customer, email=f"{customer}@example.com", name=customer, version=1))
    cloud.tables.remembers = remembers
    # What was before the orders is no news.
    cloud.tables.written = []
