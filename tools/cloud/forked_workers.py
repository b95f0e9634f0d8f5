"""Has MiniStack start Python execution environments as forks of a process that has imported the layer's packages.

MiniStack starts an interpreter for each environment, and importing botocore is most of that start. The fork server
imports the layer's largest packages once. Each environment begins as a copy of it, and has its own folder, variables,
pipes and end. It imports our own code itself. The layers come before a function's package in its path, so each would
import the same modules. The environments of a layer share a fork server, because `shortcuts.py` unpacks a layer once.
A layer that holds none of those packages does not count, so `make sync` of `shared` needs no other fork server.

Without Linux's pidfd, and for a function that sets up its interpreter by variables, MiniStack starts an interpreter.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import IO, Any

# This folder is the path of the program that imports this module.
from fork_server import IMPORTED  # type: ignore[import-not-found]

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core import lambda_runtime  # type: ignore[import-not-found]

type Variables = dict[str, str]

_PROGRAM = Path(__file__).with_name("fork_server.py")
_ANSWER_BYTES = 32


def install() -> None:
    """Replaces the start of a process in MiniStack's runtime, if this system has what forks need."""
    if not hasattr(os, "pidfd_open"):
        return

    def start(command: list[str], **options: Any) -> Any:
        environment: Variables = options["env"]
        layers = environment.get("_LAMBDA_LAYERS_DIRS", "")
        if command[0] != sys.executable or not layers or _sets_up_interpreter(environment):
            return subprocess.Popen(command, **options)
        folders = (os.path.realpath(folder) for folder in layers.split(os.pathsep))
        server = _server(tuple(filter(_is_imported_from, folders)), environment)
        return Fork(server, command[1], options["cwd"], environment)

    lambda_runtime.subprocess = types.SimpleNamespace(**vars(subprocess) | {"Popen": start})


class Fork:
    """A worker's process, with what MiniStack uses of `subprocess.Popen`. Its exit code is unknown and counts as 0."""

    def __init__(self, server: "ForkServer", script: str, folder: str, environment: Variables) -> None:
        inner_in, outer_in = os.pipe()
        outer_out, inner_out = os.pipe()
        outer_error, inner_error = os.pipe()
        self.stdin: IO[str] = os.fdopen(outer_in, "w", buffering=1)
        self.stdout: IO[str] = os.fdopen(outer_out)
        self.stderr: IO[str] = os.fdopen(outer_error)
        inner = (inner_in, inner_out, inner_error)
        try:
            self.pid = server.fork(inner)
        finally:
            for descriptor in inner:
                os.close(descriptor)
        self._process = os.fdopen(os.pidfd_open(self.pid))
        self.stdin.write(json.dumps({"script": script, "folder": folder, "environment": environment}) + "\n")

    def poll(self) -> int | None:
        """None while it runs."""
        return 0 if self._has_ended(within=0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end so many seconds; raises subprocess.TimeoutExpired if it runs on."""
        if not self._has_ended(timeout):
            raise subprocess.TimeoutExpired("a fork", timeout or 0)
        return 0

    def terminate(self) -> None:
        """Asks it to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it."""
        self._signal(signal.SIGKILL)

    def _has_ended(self, within: float | None) -> bool:
        poll = select.poll()
        poll.register(self._process, select.POLLIN)
        return bool(poll.poll(None if within is None else within * 1000))

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process.fileno(), number)


class ForkServer:
    """The process that forks. It ends when the one that started it has ended."""

    def __init__(self, layers: tuple[str, ...], environment: Variables) -> None:
        self._one_at_a_time = threading.Lock()
        self._socket, inner = socket.socketpair()
        with inner:
            self._process = subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(inner.fileno()), *layers],
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[inner.fileno()],
            )

    def runs(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def fork(self, pipes: tuple[int, int, int]) -> int:
        """Forks, and returns the process id; raises OSError if this process has ended."""
        with self._one_at_a_time:
            socket.send_fds(self._socket, [b"f"], pipes)
            answer = self._socket.recv(_ANSWER_BYTES)
        if not answer:
            raise ConnectionError("The fork server has ended.")
        return int(answer)


_servers: dict[tuple[str, ...], ForkServer] = {}
_starting = threading.Lock()


def _server(layers: tuple[str, ...], environment: Variables) -> ForkServer:
    with _starting:
        if layers not in _servers or not _servers[layers].runs():
            _servers[layers] = ForkServer(layers, environment)
        return _servers[layers]


def _is_imported_from(layer: str) -> bool:
    packages = {name.partition(".")[0] for name in IMPORTED}
    return any(path.stem in packages for path in (Path(layer) / "python").glob("*"))


def _sets_up_interpreter(environment: Variables) -> bool:
    """Whether an interpreter that starts with these variables would differ from this one."""
    return any(
        os.environ.get(name) != value for name, value in environment.items() if name.startswith("PYTHON")
    )
