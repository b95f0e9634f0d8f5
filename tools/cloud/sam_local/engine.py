"""The Docker engine that `sam local` uses: a running one, or one that starts and stops with it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from tools.console import StepError, tail
from tools.settings import STATE
from tools.waiting import NotInTime, wait_for

_HOME = STATE / "docker"
_DATA, _SOCKET, _PID, _LOG = (
    _HOME / "data",
    _HOME / "docker.sock",
    _HOME / "docker.pid",
    _HOME / "dockerd.log",
)
_CONTAINERD_SOCKET = _HOME / "run" / "containerd" / "containerd.sock.ttrpc"
_LONGEST_SOCKET_PATH = 107
"""In bytes: sun_path in sys/un.h holds 108, the closing NUL included."""

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_BRIDGE = Path("/sys/class/net/docker0")
_MADE_BRIDGE = _HOME / "made-bridge"
"""This file exists while our engine's bridge does. Docker itself leaves the bridge behind."""


class EngineUnavailable(Exception):
    """Docker cannot run here; the message says why, and how to change that."""


class DockerFailed(StepError):
    """A docker command failed; the message is its error output."""

    def __init__(self, what: str) -> None:
        super().__init__(what, "`docker info` shows the state of the engine.")


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers at `host` (as in DOCKER_HOST); `own` if this command started it."""

    host: str
    version: str
    own: bool

    def docker(self, *arguments: str | Path, seconds: float = 60) -> str:
        """Runs a docker command and returns its output; raises DockerFailed if it fails or takes too long."""
        try:
            finished = _docker(self.host, *arguments, seconds=seconds)
        except subprocess.TimeoutExpired:
            raise DockerFailed(f"docker {arguments[0]} did not end within {seconds:.0f} s") from None
        if finished.returncode:
            raise DockerFailed(
                finished.stderr.strip() or f"docker {arguments[0]}: exit {finished.returncode}"
            )
        return finished.stdout.strip()

    def gateway(self) -> str:
        """The host's IPv4 address on the engine's default bridge; containers reach the host there."""
        form = "{{range .IPAM.Config}}{{.Subnet}},{{.Gateway}} {{end}}"
        described = self.docker("network", "inspect", "bridge", "--format", form).split()
        for subnet, gateway in (entry.split(",") for entry in described):
            if "." in subnet:
                # An engine with a new bridge names no gateway yet: it is the first address.
                return gateway or str(next(ip_network(subnet).hosts()))
        raise DockerFailed(f"The engine's network `bridge` has no IPv4 addresses, only {described}.")


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """An engine for as long as the block runs: the running one, or else one that starts and stops with the block.

    Raises EngineUnavailable if neither is possible.
    """
    running = _running()
    if running is not None:
        yield running
        return
    version = _start()
    try:
        yield Engine(_own_host(), version, own=True)
    finally:
        _stop()


def _running() -> Engine | None:
    """The engine of the user's docker command, or None if none runs."""
    if shutil.which("docker") is None:
        raise EngineUnavailable(
            "The command `docker` is not installed (Debian: apt-get install docker.io; otherwise see docs.docker.com)."
        )
    host = os.environ.get("DOCKER_HOST") or _context_host()
    asked = _docker(host, "version", "--format", "{{.Server.Version}}", seconds=30)
    if asked.returncode == 0:
        return Engine(host, asked.stdout.strip(), own=False)
    reason = (asked.stderr.strip().splitlines() or ["it does not answer"])[-1]
    if "DOCKER_HOST" in os.environ:
        raise EngineUnavailable(f"DOCKER_HOST is {host}, but: {reason}")
    if "permission denied" in reason.lower():
        raise EngineUnavailable(f"A Docker engine runs, but you may not use it: {reason}")
    return None


def _context_host() -> str:
    """Where the docker command's current context finds its engine; sam itself knows no contexts."""
    form = "{{.Endpoints.docker.Host}}"
    return _docker(None, "context", "inspect", "--format", form, seconds=30).stdout.strip()


def _start() -> str:
    """Starts an engine of this folder's own and returns its version; raises EngineUnavailable if it does not run.

    It has no firewall rules and forwards nothing: its containers reach the host's bridge address alone.
    """
    daemon = _program("dockerd")
    if daemon is None:
        raise EngineUnavailable(
            "No Docker engine runs, and none is installed (Debian: apt-get install docker.io)."
        )
    if os.geteuid() != 0:
        raise EngineUnavailable(
            "No Docker engine runs, and only root may start one (sudo systemctl start docker)."
        )
    if len(os.fsencode(_CONTAINERD_SOCKET)) > _LONGEST_SOCKET_PATH:
        raise EngineUnavailable(
            f"No Docker engine runs, and this path is too long for the sockets of one: {_HOME}"
        )
    _stop()  # one that an interrupted run left behind
    _HOME.mkdir(parents=True, exist_ok=True)
    if not _BRIDGE.exists():
        _MADE_BRIDGE.touch()
    configuration = _HOME / "daemon.json"
    configuration.write_text("{}\n")  # not the machine's own /etc/docker/daemon.json
    command: list[str | Path] = [daemon, "--config-file", configuration, "--host", _own_host()]
    command += ["--data-root", _DATA, "--exec-root", _HOME / "run", "--pidfile", _PID]
    command += ["--iptables=false", "--ip-forward=false", "--ip-masq=false"]
    with _LOG.open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )

    def version() -> str | None:
        if process.poll() is not None:
            raise EngineUnavailable(f"A Docker engine was started, but it ended: {tail(_LOG, lines=1)}")
        asked = _docker(_own_host(), "version", "--format", "{{.Server.Version}}", seconds=30)
        return asked.stdout.strip() if asked.returncode == 0 else None

    try:
        return wait_for(version, "the Docker engine", seconds=_START_SECONDS)
    except NotInTime:
        _stop()
        raise EngineUnavailable(
            f"A Docker engine was started, but it did not answer: {tail(_LOG, lines=1)}"
        ) from None


def _stop() -> None:
    """Stops this folder's engine and its containers, if it runs, and removes the network bridge that it made."""
    pid = _own_pid()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        try:
            wait_for(lambda: _has_ended(pid), "the Docker engine to stop", seconds=_STOP_SECONDS)
        except NotInTime:
            os.kill(pid, signal.SIGKILL)
    if _MADE_BRIDGE.exists():
        if _BRIDGE.exists() and (ip := _program("ip")):
            subprocess.run([ip, "link", "delete", _BRIDGE.name], check=False, capture_output=True)
        _MADE_BRIDGE.unlink()


def _has_ended(pid: int) -> bool:
    """Whether this folder's engine has ended; collects it if it is a child of this process (else a zombie)."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return _own_pid() is None


def _own_pid() -> int | None:
    """The process of this folder's engine, or None if it does not run."""
    try:
        pid = int(_PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    # Ids are reused: it is ours only if it was started with our file. A zombie has no command line.
    return pid if os.fsencode(_PID) in command.split(b"\0") else None


def _own_host() -> str:
    return f"unix://{_SOCKET}"


def _program(name: str) -> str | None:
    """The path of a program. Programs for administrators are not always on a user's path."""
    return shutil.which(
        name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    )


def _docker(host: str | None, *arguments: str | Path, seconds: float) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_HOST": host} if host else dict(os.environ)
    return subprocess.run(
        ["docker", *map(str, arguments)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
