"""What grows: calls, items and work of each function with few, more and many past orders in the tables.

    make growth        (or `.venv/bin/python -m benchmarks.growth 100 10000`)

The functions run in this process, over the tables of `tests.growth`. Their work is the number of functions that an
invocation calls, Python's own included, and the median of its processor time. The tables' work is not in it. But the
tables share the processor's caches with the functions, so more of them cost time.
"""

import argparse
import sys
import warnings

from tests.growth.shop import Cost, Measured, measure, measure_readers
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
    costs: dict[int, Measured] = {}
    readers: dict[int, dict[str, Cost]] = {}
    for size in arguments.sizes:
        print(f"measuring with {size:,} past orders", file=sys.stderr, flush=True)
        costs[size], readers[size] = measure(size, repeats=arguments.repeats), measure_readers(size)
    heads = [f"CPU ms, {size:,}" for size in costs]
    print(f"| function | calls | items read | items written | functions | {' | '.join(heads)} | |")
    print("|---" * (6 + len(heads)) + "|")
    labels = sorted(set.union(*(set(measured.timed) for measured in costs.values())))
    for label in labels:
        print(_row(label, list(costs.values())))
    print(
        "\n| reader | past orders | calls | items read | CPU ms | CPU ms, 1,000 items |\n|---|---|---|---|---|---|"
    )
    for label in readers[arguments.sizes[0]]:
        for size, measured_then in readers.items():
            cost = measured_then[label]
            print(
                f"| {label} | {size:,} | {cost.calls:g} | {cost.read:g} | {1000 * cost.work:.0f} "
                f"| {1_000_000 * cost.work / cost.read:.0f} |"
            )
    few = costs[arguments.sizes[0]]
    return int(any(measured.counted != few.counted for measured in costs.values()))


def _row(label: str, sizes: list[Measured]) -> str:
    counted = [measured.counted[label] for measured in sizes]
    columns = zip(*((*cost.counted, cost.work) for cost in counted), strict=True)
    counts = (
        " → ".join(f"{value:,g}" for value in (values[:1] if len(set(values)) == 1 else values))
        for values in columns
    )
    times = [1000 * measured.timed[label].work for measured in sizes]
    remark = "grows" if len(set(counted)) > 1 else _change(times[0], times[-1])
    return f"| {label} | {' | '.join(counts)} | {' | '.join(f'{time:.2f}' for time in times)} | {remark} |"


def _change(few_ms: float, many_ms: float) -> str:
    change = many_ms - few_ms
    return f"{change:+.1f} ms" if abs(change) > max(_NOTICEABLE_MS, _TOLERANCE * few_ms) else ""


if __name__ == "__main__":
    sys.exit(main())
