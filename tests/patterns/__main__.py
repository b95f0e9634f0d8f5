"""`make break PATTERN=outbox`: plays a story with the pattern and without it, and shows both ends side by side."""

import argparse
import os
import random
import sys

from tests.patterns.trial import Figures, Story, Trial
from tests.patterns.trials import TRIALS
from tools.stack import Stack


def main() -> int:
    """Plays the trials; returns 1 if one of them shows no difference."""
    names = ", ".join(trial.page for trial in TRIALS)
    parser = argparse.ArgumentParser(prog="make break", description="What happens without a pattern.")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help=f"{names}; all without one")
    parser.add_argument("--short", action="store_true", help="one trial, which SEED draws")
    given = parser.parse_args()
    wanted = given.patterns
    if given.short:
        wanted = [random.Random(os.environ.get("SEED")).choice(TRIALS).page]  # noqa: S311 - no secret
    if unknown := set(wanted) - {trial.page for trial in TRIALS}:
        parser.error(f"no trial of {', '.join(sorted(unknown))}; there are {names}")
    stack = Stack.current()
    chosen = [trial for trial in TRIALS if not wanted or trial.page in wanted]
    failed = [trial.page for trial in chosen if not _tried(trial, stack)]
    if failed:
        print(f"\nNo damage was seen without {', '.join(failed)}.", file=sys.stderr)
    return bool(failed)


def _tried(trial: Trial, stack: Stack) -> bool:
    """Plays the trial, prints it, and says whether the pattern made a difference."""
    print(f"\n{trial.page}  (docs/patterns/{trial.page}.md)\n  {trial.story}", flush=True)
    ends: list[Figures] = []
    for code in (trial.sound, trial.broken):
        with code.planted(stack):
            ends.append(trial.play(Story.of(stack)))
    has, lacks = ends
    width = max(map(len, has))
    column = max(map(len, ["with it", *has.values()]))
    print(f"\n  {'':<{width}}  {'with it':<{column}}  without it")
    for name, figure in has.items():
        print(f"  {name:<{width}}  {figure:<{column}}  {lacks[name]}")
    print(f"\n  Taken away in {trial.function}, {trial.file}:")
    print("\n".join(f"  {line}" for line in trial.difference()), flush=True)
    return has != lacks


if __name__ == "__main__":
    sys.exit(main())
