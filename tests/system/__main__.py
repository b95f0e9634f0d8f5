"""`make permissions-needed`: takes each permission out of its deployed role, and sees a test fail that needs it.

The last run of all tests left a record: each permission with the tests that needed it. A search in each of the three
embedded clouds takes permissions of that record from tests (`removed_permissions.py`), until none is left or time is
up. A later run goes on with what is left. The result is printed also if a search hangs or breaks off.
"""

import argparse
import os
import signal
import subprocess
import sys
import time

from tests.system.needed_permissions import name_of
from tests.system.removed_permissions import OPTION
from tools.permissions.record import load, shown
from tools.permissions.table import USED
from tools.settings import REPOSITORY

CLOUDS = ("", "second", "third")
_QUIET = ("-qq", "--no-header", "--no-summary", "--capture=no", "-p", "no:cacheprovider")
# A search ends its test, and gives back what it took.
_SECONDS_TO_END, _SECONDS_TO_STOP = 60, 20
# A search collects the tests, and makes what all share.
_SECONDS_TO_BEGIN = 20
_SECONDS_BETWEEN_LOOKS = 1


def main() -> int:
    """Runs the searches; returns 0 if a test failed without each permission."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system", description="Shows that each permission is needed."
    )
    parser.add_argument("--minutes", type=float, default=18, help="the searches begin no test after these")
    seconds, began = 60 * parser.parse_args().minutes, time.monotonic()
    rows = [row for row in load() or () if row.state == USED]
    if not rows:
        print("The system's tests have not run here: run `make system` first.", file=sys.stderr)
        return 1
    with shown() as known:
        # A search that was killed has left what it took. What was in vain on a busy machine need not be now.
        known.taken_until.clear()
        known.in_vain.clear()
    # Then what follows is done as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    searches = {cloud: _search(cloud, seconds) for cloud in CLOUDS}
    try:
        _attend(searches, began + seconds)
    finally:
        for search in searches.values():
            _end(search)
        with shown() as known:
            missed = 0
            for name in map(name_of, rows):
                test = known.test.get(name, "")
                missed += not test
                print(f"{name:<110} {test.removeprefix('tests/system/') or '-'}")
        print(
            f"{len(rows) - missed} of {len(rows)} permissions: a test failed without each; "
            f"{time.monotonic() - began:.0f} s\n"
            "The embedded clouds have orders that are stuck for want of permissions; `make down` drops them."
        )
    return int(missed > 0)


def _attend(searches: dict[str, subprocess.Popen[bytes]], until: float) -> None:
    """Waits for the end of the searches. Until that moment another one follows a search that broke off."""
    while True:
        left = until - time.monotonic()
        for cloud, search in searches.items():
            if search.poll() and left > _SECONDS_TO_BEGIN:
                searches[cloud] = _search(cloud, left)
        if all(search.poll() is not None for search in searches.values()):
            return
        if left < -_SECONDS_TO_END:
            print("A search did not end in time.", flush=True)
            return
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _search(cloud: str, seconds: float) -> subprocess.Popen[bytes]:
    """A search in an embedded cloud, in a process group of its own."""
    command = [sys.executable, "-m", "pytest", "tests/system", OPTION, str(seconds), *_QUIET]
    return subprocess.Popen(  # noqa: S603 - ourselves
        command,
        cwd=REPOSITORY,
        env={**os.environ, "CLOUD": cloud, "STACK": ""},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _end(search: subprocess.Popen[bytes]) -> None:
    """Ends the search with its child processes, unless it has ended."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if search.poll() is None:
            os.killpg(search.pid, how)
            try:
                search.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                continue


if __name__ == "__main__":
    sys.exit(main())
