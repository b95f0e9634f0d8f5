"""Runs tests beside the work, one run at a time: the next change ends the present run."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

from tools.settings import REPOSITORY

_LINES_SHOWN = 40
_SECONDS_TO_END = 10
_COUNTS = re.compile(r"=* ?(?P<counts>\d+ .+ in [\d.]+s).*")
_NOTHING_RAN = 5


class TestsBeside:
    """The tests of the last change, in a process group of their own."""

    __test__ = False  # pytest takes it for a test otherwise

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self, tests: Sequence[str]) -> None:
        """Ends the present run, and starts one of these files. Its verdict is said when it has ended."""
        self.end()
        if not tests:
            return
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "--quiet", "--no-header", "--tb=short", "--color=no", *tests],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._report, args=(process, len(tests)), daemon=True)
        self._reader.start()

    def wait(self) -> None:
        """Waits for the verdict of the present run."""
        if self._reader:
            self._reader.join()

    def end(self) -> None:
        """Ends the present run, without a verdict."""
        process, self._process = self._process, None
        if process and process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.wait()

    def _report(self, process: subprocess.Popen[str], count: int) -> None:
        output, _ = process.communicate()
        if process is self._process:
            self._say(verdict(output, process.returncode, count))


def verdict(output: str, code: int, files: int) -> str:
    """What pytest's output says: one line if all is well, else also the failures."""
    lines = output.rstrip().splitlines()
    counts = next((found["counts"] for line in reversed(lines) if (found := _COUNTS.fullmatch(line))), "")
    of_files = f"{files} file{'s' if files > 1 else ''}"
    if code == 0:
        return f"tests: {counts} ({of_files})"
    if code == _NOTHING_RAN:
        return f"tests: none in {of_files}"
    shown = "\n".join(lines[-_LINES_SHOWN:])
    return f"{shown}\ntests: FAILED: {counts or f'pytest ended with exit code {code}'} ({of_files})"
