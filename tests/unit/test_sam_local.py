"""What `sam local` needs before it can run: a Docker engine, or a clear reason why there is none; a way to loopback."""

import socket
import threading
from pathlib import Path

import pytest

from tools.cloud.sam_local import engine
from tools.cloud.sam_local.bridge import forwarded
from tools.cloud.sam_local.engine import EngineUnavailable, docker_engine

DENIED = "permission denied while trying to connect to the Docker daemon socket"
NO_ENGINE = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH; no engine is named, and what an engine leaves behind is put there too."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(
        engine, "_program", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None
    )
    monkeypatch.setattr(engine, "_HOME", tmp_path / "state")
    return tmp_path


def install(folder: Path, name: str, says: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n")
    program.chmod(0o755)


def test_without_the_docker_command_it_says_what_to_install(programs: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"`docker` is not installed.*docker\.io"), docker_engine():
        pass


def test_an_engine_that_was_named_and_does_not_answer_is_not_replaced_by_another(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(programs, "docker", NO_ENGINE)
    install(programs, "dockerd", "must not be started")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")

    with (
        pytest.raises(EngineUnavailable, match=r"DOCKER_HOST is tcp://127\.0\.0\.1:1, but: Cannot connect"),
        docker_engine(),
    ):
        pass


def test_an_engine_without_permission_is_reported(programs: Path) -> None:
    install(programs, "docker", DENIED)

    with pytest.raises(EngineUnavailable, match="you may not use it: permission denied"), docker_engine():
        pass


def test_without_any_engine_it_says_what_to_install(programs: Path) -> None:
    install(programs, "docker", NO_ENGINE)

    with pytest.raises(EngineUnavailable, match="none is installed"), docker_engine():
        pass


def test_only_root_starts_an_engine(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(programs, "docker", NO_ENGINE)
    install(programs, "dockerd", "must not be started")
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(EngineUnavailable, match="only root"), docker_engine():
        pass


def test_an_engine_that_ends_at_once_is_quoted(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(programs, "docker", NO_ENGINE)
    install(programs, "dockerd", "failed to mount overlay: operation not permitted")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    for name in ("_DATA", "_SOCKET", "_PID", "_LOG", "_MADE_BRIDGE"):
        monkeypatch.setattr(engine, name, programs / "state" / name)

    with pytest.raises(EngineUnavailable, match="it ended: failed to mount overlay"), docker_engine():
        pass


def test_a_connection_to_the_bridge_talks_to_loopback_until_either_side_ends() -> None:
    def echo() -> None:
        with server.accept()[0] as connection:
            while received := connection.recv(1024):
                connection.sendall(received.upper())

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=echo)
        answering.start()
        with (
            forwarded(listener, server.getsockname()[1]),
            socket.create_connection(listener.getsockname(), timeout=10) as client,
        ):
            client.sendall(b"is anybody there?")
            answer = client.recv(1024)
            client.shutdown(socket.SHUT_WR)
            end = client.recv(1024)
        answering.join(timeout=10)

    assert answer == b"IS ANYBODY THERE?"
    assert end == b""
    assert not answering.is_alive()


def test_when_the_embedded_cloud_is_gone_the_connection_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        forwarded(listener, port),
        socket.create_connection(listener.getsockname(), timeout=10) as client,
    ):
        try:
            received = client.recv(1024)
        except ConnectionResetError:
            received = b""

    assert received == b""
