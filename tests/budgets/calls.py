"""The calls of AWS and the units of capacity: of an order on each of its ways, and of each route."""

from tests.budgets.requests import send_requests
from tests.budgets.shop import PROVIDER, CountedShop
from tests.budgets.tables import Units
from tests.faults.scenarios import SCENARIOS, begin
from tests.faults.services import environment

# What becomes of an order of two lines, by the scenario of the faults' tests.
_WAYS = {"fulfilled": "good", "rejected": "declined", "cancelled": "cancel"}


def measured() -> dict[str, dict[str, Units]]:
    """By way of an order, and for the requests: the counts by route, step or function, and all together."""
    shop = CountedShop()
    found: dict[str, dict[str, Units]] = {}
    with environment({"STAGE": "dev"}), shop.running():
        for way, scenario in _WAYS.items():
            shop.counts = {}
            begin(shop, SCENARIOS[scenario])
            shop.run()
            found[way] = {"together": _together(shop.counts), **shop.counts}
        shop.counts = {}
        begin(shop, SCENARIOS["good"])
        shop.run()
        shop.counts = {}
        send_requests(shop)
        found["requests"] = shop.counts
    return found


def _together(counts: dict[str, Units]) -> Units:
    """The sums, and all units of a kind as one figure; the records of the provider are not the shop's."""
    sums: Units = {}
    for step, units in counts.items():
        for name, number in units.items() if step != PROVIDER else ():
            kinds = [name, f"{name.partition(' ')[0]} units"] if " " in name else [name]
            for kind in kinds:
                sums[kind] = sums.get(kind, 0) + number
    return dict(sorted(sums.items()))
