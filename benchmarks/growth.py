"""What grows: calls, items and processor time of each function with few, more and many past orders in the tables.

    make growth        (or `.venv/bin/python -m benchmarks.growth 100 10000`)

The functions run in this process, over the tables of `tests.growth`. The time is that of the functions' own code, the
median of the invocations; the tables' is not in it.
"""

import argparse
import sys
import warnings

from tests.growth.shop import Cost, measure, measure_readers
from tools.command_line import at_least

_TOLERANCE = 0.1
# Less is within what the clock and the other programs of the machine make of it.
_NOTICEABLE_MS = 0.1


def main() -> int:
    """Prints the tables; returns 1 if calls or items differ between the sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "sizes", nargs="*", type=at_least(1), default=[100, 10_000, 100_000], help="past orders"
    )
    parser.add_argument(
        "--repeats", type=at_least(1), default=10, help="how often each is measured (default: 10)"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    costs, readers = {}, {}
    for size in arguments.sizes:
        print(f"measuring with {size:,} past orders", file=sys.stderr, flush=True)
        costs[size], readers[size] = measure(size, repeats=arguments.repeats), measure_readers(size)
    heads = [f"CPU ms, {size:,}" for size in costs]
    print(f"| function | calls | items read | items written | {' | '.join(heads)} | |")
    print("|---" * (5 + len(heads)) + "|")
    labels = sorted(set.union(*(set(measured) for measured in costs.values())))
    rows = [(label, [measured[label] for measured in costs.values()]) for label in labels]
    for label, measured in rows:
        print(_row(label, measured))
    print(
        "\n| reader | past orders | calls | items read | CPU ms | CPU ms, 1,000 items |\n|---|---|---|---|---|---|"
    )
    for label in readers[arguments.sizes[0]]:
        for size, measured_then in readers.items():
            cost = measured_then[label]
            print(
                f"| {label} | {size:,} | {cost.calls:g} | {cost.read:g} | {cost.cpu_ms:.0f} "
                f"| {1000 * cost.cpu_ms / cost.read:.0f} |"
            )
    return int(any(_counts_differ(measured) for _, measured in rows))


def _row(label: str, costs: list[Cost]) -> str:
    counted = [
        " → ".join(f"{value:.3g}" for value in ([values[0]] if len(set(values)) == 1 else values))
        for values in zip(*(cost.counted for cost in costs), strict=True)
    ]
    times = " | ".join(f"{cost.cpu_ms:.2f}" for cost in costs)
    return f"| {label} | {' | '.join(counted)} | {times} | {_remark(costs)} |"


def _remark(costs: list[Cost]) -> str:
    if _counts_differ(costs):
        return "grows"
    change = costs[-1].cpu_ms - costs[0].cpu_ms
    return f"{change:+.1f} ms" if abs(change) > max(_NOTICEABLE_MS, _TOLERANCE * costs[0].cpu_ms) else ""


def _counts_differ(costs: list[Cost]) -> bool:
    return len({cost.counted for cost in costs}) > 1


if __name__ == "__main__":
    sys.exit(main())
