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


def markdown(found: dict[str, dict[str, Units]]) -> str:
    """The two tables of docs/performance.md: each way of an order, and the tables that a fulfilled one writes."""
    lines = ["| order | invocations | write units | read units |", "|---|---|---|---|"]
    for way in _WAYS:
        sums = found[way]["together"]
        lines.append(f"| {way} | {sums['invocations']} | {sums['write units']:g} | {sums['read units']:g} |")
    lines += ["", "| table | write units | of these its indexes |", "|---|---|---|"]
    written: dict[str, list[float]] = {}
    for name, units in found["fulfilled"]["together"].items():
        if name.startswith("write ") and name != "write units":
            table, _, index = name.removeprefix("write ").partition("/")
            both = written.setdefault(table, [0, 0])
            both[0] += units
            both[1] += units if index else 0
    ranked = sorted(written.items(), key=lambda entry: -entry[1][0])
    lines += [f"| {table} | {units:g} | {of_indexes:g} |" for table, (units, of_indexes) in ranked]
    return "\n".join(lines)


def _together(counts: dict[str, Units]) -> Units:
    """The sums, and all units of a kind as one figure; the records of the provider are not the shop's."""
    sums: Units = {}
    for step, units in counts.items():
        for name, number in units.items() if step != PROVIDER else ():
            kinds = [name, f"{name.partition(' ')[0]} units"] if " " in name else [name]
            for kind in kinds:
                sums[kind] = sums.get(kind, 0) + number
    return dict(sorted(sums.items()))
