"""The orders that the harness sends through the shop."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.money import Money
from tests.component.orders.account import order_body
from tests.faults.cloud import Cloud
from tests.faults.requests import cancellation, erasure, inspection, key_of, placement
from tests.faults.services import message
from tests.faults.world import Work, World

SKU, RARE = "MUG-BLUE", "TEA-RARE"
# The function that gives the money of returns back.
_REFUNDING = "PaymentsCaptureFunction"
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
    # What inspections find of the first order once it is fulfilled; see `inspection`.
    returns: tuple[dict[str, Any], ...] = ()
    # Whether payments learn of the last of them at any moment around the others.
    refunds_race: bool = False
    # What becomes of the orders when nothing goes wrong.
    ends: list[str] = field(default_factory=list)


def _address(country: str) -> dict[str, Any]:
    return {**order_body()["shipping_address"], "country": country}


def _returned(
    return_id: str, amount: int, restocked: dict[str, int], written_off: dict[str, int] | None = None
) -> dict[str, Any]:
    back = {"restocked": _lines(restocked), "written_off": _lines(written_off or {})}
    refund = {"amount": amount, "currency": "EUR"}
    return {
        "return_id": return_id,
        "lines": back["restocked"] + back["written_off"],
        **back,
        "refund": refund,
    }


def _lines(pieces: dict[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in pieces.items()]


# A blue mug; and all the rest of that order, with its shipping.
_MUG = _returned("ret_1", 1299, {SKU: 1})
_REST = _returned("ret_2", 1299 + 749 + 490, {SKU: 1}, {RARE: 1})

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
        # These begin when the order is fulfilled.
        Scenario("return", [("ada", order_body((SKU, 2), (RARE, 1)))], returns=(_MUG,), ends=["fulfilled"]),
        # The inspection is published twice, as two events.
        Scenario(
            "return-again",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            returns=(_MUG, _MUG),
            ends=["fulfilled"],
        ),
        # All of the order comes back, in two parcels.
        Scenario(
            "returns",
            [("ada", order_body((SKU, 2), (RARE, 1)))],
            returns=(_MUG, _REST),
            refunds_race=True,
            ends=["fulfilled"],
        ),
        # The provider accepts the refund, and reports at any later moment that it failed.
        Scenario(
            "return-bounces",
            [("ada", order_body((SKU, 2), (RARE, 1), payment_token="pm_card_refundFail"))],
            returns=(_MUG,),
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
    if scenario.returns:
        _fulfil(cloud)
        _return(cloud, scenario, order_id_for(scenario.orders[0][0], key_of(scenario.orders[0][0])))


def _fulfil(cloud: Cloud) -> None:
    """Brings the orders to their end; nothing goes wrong, so no schedule counts these steps."""
    while not cloud.idle:
        cloud.step(more=False)
    # Each order's way to its end is behind it: what comes is judged by what it begins with.
    cloud.world.answered.clear()


def _return(cloud: Cloud, scenario: Scenario, order_id: str) -> None:
    for version, found in enumerate(scenario.returns, start=5):
        event = inspection(order_id, version, **found)
        races = scenario.refunds_race and found is scenario.returns[-1]
        if races:
            cloud.world.actions["refund"] = message(event, _REFUNDING)
        cloud.publish(event, without=(_REFUNDING,) if races else ())
        cloud.world.inspected[found["return_id"]] = {**found, "order_id": order_id}
    if any(body["payment_token"] == "pm_card_refundFail" for _, body in scenario.orders):
        cloud.world.actions["bounce"] = Work("bounce", {})


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
