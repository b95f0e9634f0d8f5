"""Starts and stops the MiniStack process. It stops only a process that it started."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tools.console import StepError
from tools.server_record import Server, forget, process_start, record, recorded
from tools.settings import (
    CLOUD,
    CLOUD_PYTHON,
    DEFAULT_PORT,
    HOST,
    REPOSITORY,
    STATE,
    server_environment,
)

LOG = STATE / "ministack.log"
_START_DEADLINE = 60.0
_STOP_DEADLINE = 10.0
_POLL = 0.1


@contextmanager
def exclusively() -> Iterator[None]:
    """Lets one command at a time start, deploy or stop; raises StepError in the second one."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StepError(
                "Another command is starting, deploying or stopping the embedded cloud.",
                "Wait for it to end, then try again.",
            ) from None
        yield


def ensure_started() -> tuple[Server, str]:
    """The running server and a remark on it. Starts one unless one runs; clears up after an interrupted run.

    Raises StepError if another program uses the port, or the server does not start.
    """
    wanted = _requested_port()
    previous = recorded()
    remark = ""
    if previous and previous.is_alive():
        if previous.is_healthy():
            if wanted not in (None, previous.port):
                raise StepError(
                    f"The embedded cloud already runs on port {previous.port}, not {wanted}.",
                    f"Leave PORT out to use it there, or run `make down` and then `PORT={wanted} make up`.",
                )
            return previous, f"already running on port {previous.port}"
        remark = f"replaced process {previous.pid} of an earlier run, which did not answer"
        stop()
    elif previous:
        remark = "cleared up after an earlier run that was interrupted"
    forget()
    port = wanted or (previous.port if previous else _free_port() if CLOUD else DEFAULT_PORT)
    _require_free(port)
    server = _start(port)
    return server, f"{remark}; port {port}" if remark else f"port {port}"


def restart(server: Server) -> Server:
    """Replaces the server by an empty one on the same port."""
    stop()
    return _start(server.port)


def stop() -> Server | None:
    """Stops the server that was started last and returns it; None if none runs."""
    server = recorded()
    if server and server.is_alive():
        # It leads a session of its own: its group is the server and its Lambda workers alone.
        os.killpg(server.pid, signal.SIGTERM)
        if not _wait_until_gone(server):
            os.killpg(server.pid, signal.SIGKILL)
            _wait_until_gone(server)
    else:
        server = None
    forget()
    return server


def _requested_port() -> int | None:
    """The port that the environment variable PORT asks for, or None; raises StepError if that is not a port.

    PORT is about the cloud without a name alone.
    """
    text = "" if CLOUD else os.environ.get("PORT", "")
    if not text:
        return None
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise StepError(f"PORT={text} is not a port.", "Choose a number between 1024 and 65535.")
    return int(text)


def _start(port: int) -> Server:
    if not CLOUD_PYTHON.exists():
        raise StepError("MiniStack is not installed.", "Run `make setup`.")
    (STATE / "tmp").mkdir(parents=True, exist_ok=True)
    with LOG.open("wb") as output:
        process = subprocess.Popen(
            [str(CLOUD_PYTHON), str(REPOSITORY / "tools" / "cloud" / "run_ministack.py")],
            cwd=STATE,
            env=server_environment(port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process.pid, process_start(process.pid), port)
    record(server)
    deadline = time.monotonic() + _START_DEADLINE
    while not server.is_healthy():
        if process.poll() is not None:
            forget()
            raise StepError(
                f"MiniStack ended with exit code {process.returncode} while starting.",
                "The log says why. If its packages look broken, remove .venv-cloud and run `make setup`.",
                LOG,
            )
        if time.monotonic() > deadline:
            stop()
            raise StepError(
                f"MiniStack did not answer within {_START_DEADLINE:.0f} s.", "The log says why.", LOG
            )
        time.sleep(_POLL)
    return server


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _require_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((HOST, port)) == 0:
            raise StepError(
                f"Port {port} is taken by another program.",
                f"Stop that program, or choose another port: PORT={port + 1} make up "
                "(and the same for `make demo`; later commands find the port by themselves).",
            )


def _wait_until_gone(server: Server) -> bool:
    deadline = time.monotonic() + _STOP_DEADLINE
    while server.is_alive():
        if time.monotonic() > deadline:
            return False
        _reap(server.pid)
        time.sleep(_POLL)
    return True


def _reap(pid: int) -> None:
    """Collects the process if it is a child of this one; until then the system keeps it as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
