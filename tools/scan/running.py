"""Runs a scanner of .venv-scan, without its own suppressions and without the network."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.console import StepError
from tools.settings import LOCAL, REPOSITORY

WORK = LOCAL / "scan"
"""What the scanners read instead of the repository's own files."""

_SCANNERS = REPOSITORY / ".venv-scan" / "bin"
# Else Checkov asks PyPI for a newer version of itself whenever it starts, and waits for the answer.
_ASKING_NOBODY = {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}


def answer_of(command: Sequence[str | Path], *, codes: Sequence[int] = (0, 1), cwd: Path = REPOSITORY) -> Any:
    """The JSON that a scanner prints; `codes` are its exit codes with and without findings. Raises StepError."""
    program, *arguments = command
    path = program if isinstance(program, Path) else _SCANNERS / program
    if not path.exists():
        raise StepError(f"{path.relative_to(REPOSITORY)} is missing.", "`make scan` installs the scanners.")
    done = subprocess.run(
        [path, *arguments],
        cwd=cwd,
        env=os.environ | _ASKING_NOBODY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in codes:
        raise StepError(
            f"{path.name} ended with exit code {done.returncode}.",
            (done.stderr or done.stdout).strip()[-2000:],
        )
    return json.loads(done.stdout)
