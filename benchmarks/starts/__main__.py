"""How fast each function starts, and what a request takes, as `sam build` makes them: ratios to bare boto3.

    make bench        (or `.venv/bin/python -m benchmarks.starts --rounds 15 --minutes 9`)

Processor time, not time on the clock. Each round starts every function once, in a fresh process and in another order.
Before every few functions it starts the floor ("stock"), with which these are compared. All figures are medians.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.starts.built import BUILD, Subject, built_functions
from benchmarks.starts.loopback import dynamodb
from benchmarks.starts.measuring import Measurement
from benchmarks.starts.page import page
from benchmarks.starts.stock import install_stock
from benchmarks.starts.table import Report
from tools.command_line import at_least
from tools.console import Progress, StepError, fail
from tools.settings import LOCAL

RESULTS = LOCAL / "benchmarks"
# Fewer say nothing.
_LEAST_ROUNDS = 3


def main() -> int:
    """Measures, prints the tables, and saves them with a page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.starts", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--rounds", type=at_least(1), default=15, help="how often each function is started (%(default)s)"
    )
    parser.add_argument(
        "--minutes", type=float, default=9, help="after so long no new round begins (%(default)s)"
    )
    parser.add_argument("--build", type=Path, default=BUILD, help="the folder of the build (%(default)s)")
    parser.add_argument("--as-before", action="store_true", help='keep the ratios for the column "before"')
    options = parser.parse_args()
    try:
        report = _measured(built_functions(options.build.resolve()), options.rounds, options.minutes)
    except StepError as error:
        return fail(error)
    if options.as_before:
        report.keep_as_before()
    print(f"\n{report.markdown()}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    for name, text in {"md": report.markdown(), "json": report.json(), "html": page(report)}.items():
        (RESULTS / f"starts.{name}").write_text(text, encoding="utf-8")
    print(f"\nThe page with a picture: {RESULTS / 'starts.html'}; beside it the same as Markdown and JSON.")
    return 0


def _measured(functions: Sequence[Subject], rounds: int, minutes: float) -> Report:
    print(f"{len(functions)} functions, {rounds} rounds, no new one after {minutes:g} minutes", flush=True)
    began = time.monotonic()
    with TemporaryDirectory() as folder, dynamodb() as database:
        measurement = Measurement(functions, *install_stock(Path(folder)), database)
        for done in range(rounds):
            elapsed = time.monotonic() - began
            if done >= _LEAST_ROUNDS and elapsed > 60 * minutes:
                print(f"Only {done} rounds, since the time is up", flush=True)
                break
            progress = Progress(lambda text: print(text, flush=True))
            for name in measurement.round(done):
                progress.report(f"  round {done + 1} of {rounds}, {time.monotonic() - began:4.0f} s: {name}")
    return measurement.report()


if __name__ == "__main__":
    sys.exit(main())
