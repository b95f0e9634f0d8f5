"""`make weaknesses`: plants each weakness, and shows which check caught it."""

import argparse
import sys
import time

from tests.attacks.planting import hunt
from tests.attacks.weaknesses import WEAKNESSES
from tools.stack import Stack

_LINES_OF_A_MISS, _WIDTH = 30, 160


def main() -> int:
    """Hunts each weakness in the embedded cloud, and prints a table; returns how many were not caught."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.attacks", description="Weaknesses that the attacks find."
    )
    parser.add_argument("--only", default="", metavar="WORDS", help="those whose names have these words")
    only = parser.parse_args().only
    chosen = [weakness for weakness in WEAKNESSES if only in weakness.name]
    stack, missed, began = Stack.current(), 0, time.monotonic()
    for weakness in chosen:
        started = time.monotonic()
        result = hunt(weakness, stack)
        missed += not result.finding
        print(
            f"{'caught' if result.finding else 'MISSED'}  {weakness.name}  ({time.monotonic() - started:.0f} s)"
        )
        print(f"        in {weakness.plant.place}\n        by {weakness.caught_by}")
        said = [result.finding] if result.finding else result.output.strip().splitlines()[-_LINES_OF_A_MISS:]
        print("\n".join(f"        {line[:_WIDTH]}" for line in said), flush=True)
    caught = len(chosen) - missed
    print(f"{caught} of {len(chosen)} weaknesses caught; {time.monotonic() - began:.0f} s")
    return missed


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
