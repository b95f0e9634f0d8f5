"""Hunts defects: each is put into a copy of the repository, whose schedules then must not hold.

A defect is a few words of one shipped file; `Defect.plant` fails when the file no longer has them, so a list of defects
cannot fall behind the code unnoticed.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults import ROOT

_COPIED = ("services", "shared_layer", "statemachines", "tests", "tools", "events", "template.yaml")


@dataclass(frozen=True)
class Defect:
    """A mistake: what of `file` reads how. `scenarios` are where it shows."""

    name: str
    file: str
    right: str
    wrong: str
    scenarios: tuple[str, ...]
    # How many events it takes until it shows.
    events: int = 1

    def plant(self, repository: Path) -> None:
        """Makes the mistake in the copy at `repository`."""
        path = repository / self.file
        text = path.read_text()
        if text.count(self.right) != 1:
            raise LookupError(f"{self.name}: {self.file} has not exactly one place that reads {self.right!r}")
        path.write_text(text.replace(self.right, self.wrong))


def hunt(defect: Defect) -> tuple[bool, str]:
    """Whether the harness finds `defect`, and the first violation (or what went wrong with the hunt)."""
    with tempfile.TemporaryDirectory(prefix="defect-") as folder:
        copy = Path(folder)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".venv*"))
            else:
                shutil.copy(source, copy / name)
        defect.plant(copy)
        run = subprocess.run(  # noqa: S603 - ourselves, on the copy
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "tests.faults",
                "first",
                *defect.scenarios,
                f"--events={defect.events}",
            ],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    # It prints the schedule that does not hold. A harness that breaks off has found nothing, and ends with 1 as well.
    return run.returncode == 1 and bool(run.stdout), (run.stdout or run.stderr).strip()


def hunt_all(defects: Sequence[Defect], workers: int) -> int:
    """Hunts each of `defects`, prints what comes of it, and returns how many were not found."""
    missed, began = 0, time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        for defect, (found, said) in zip(defects, pool.map(hunt, defects), strict=True):
            missed += not found
            print(f"{'caught' if found else 'MISSED'}  {defect.name}", flush=True)
            print(
                "\n".join(f"        {line}" for line in said.splitlines()[: 2 if found else 12]), flush=True
            )
    print(f"{len(defects) - missed} of {len(defects)} defects caught; {time.monotonic() - began:.0f} s")
    return missed
