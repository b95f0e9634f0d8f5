"""The record of the embedded cloud's server process: which one was started last, and whether it runs.

`tools.cloud.server` starts and stops the process; everything else only needs to find it.
"""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.settings import REPOSITORY, STATE, endpoint_of

RECORD = STATE / "server.json"


@dataclass(frozen=True)
class Server:
    """A server process: its id, its start time as the system reports it (ids are reused), and its port."""

    pid: int
    began: str
    port: int

    @property
    def endpoint(self) -> str:
        """The base URL of every AWS API."""
        return endpoint_of(self.port)

    @property
    def identity(self) -> str:
        """Differs between any two servers, so that a deployment to one is never taken for a deployment to another."""
        return f"{self.pid}/{self.began}"

    def is_alive(self) -> bool:
        """Whether the process still runs, and no other process has got its id."""
        return process_start(self.pid) == self.began

    def is_healthy(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=5) as answer:  # noqa: S310 # nosec B310 - loopback
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def recorded() -> Server | None:
    """The server that was started last, alive or not."""
    try:
        return Server(**json.loads(RECORD.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        # Half a record: the run that wrote it was interrupted in the middle.
        RECORD.unlink()
        return None


def running() -> Server | None:
    """The server that was started and answers now, or None."""
    server = recorded()
    return server if server and server.is_alive() and server.is_healthy() else None


def record(server: Server) -> None:
    """Writes the record in one step, so that an interruption leaves the old one or the new one."""
    draft = RECORD.with_suffix(".new")
    draft.write_text(json.dumps(asdict(server)))
    draft.replace(RECORD)


def forget() -> None:
    """Removes the record and the server's temporary files."""
    RECORD.unlink(missing_ok=True)
    shutil.rmtree(STATE / "tmp", ignore_errors=True)


def process_start(pid: int) -> str:
    """The start time of a process as the system reports it; empty if no such process runs (a zombie does not run)."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            # The program's name is in brackets and may hold spaces. After it, field 3 is the state, and field 22
            # is the start time in ticks since boot.
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] in {"Z", "X"} else fields[19]
    listed = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    state, _, began = listed.partition(" ")
    return "" if state.startswith("Z") else began.strip()
