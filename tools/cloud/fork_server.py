"""The program that `forked_workers.py` starts: `python fork_server.py <descriptor of its socket> <layer>...`.

Each byte that it gets comes with three pipes. It answers with the process id of a fork that has them as its input,
output and errors. The fork reads from its input what it becomes: a script, its folder and its environment variables.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from pathlib import Path

# Powertools and pydantic import the modules behind a name when it is first used, so each stands here itself.
IMPORTED = (
    "aws_lambda_powertools.event_handler.middlewares.openapi_validation",
    "aws_lambda_powertools.logging",
    "aws_lambda_powertools.metrics.metrics",
    "aws_lambda_powertools.utilities.typing.lambda_context",
    "botocore.client",
    "botocore.session",
    "pydantic",
    "pydantic.dataclasses",
    "pydantic.deprecated.config",
    "pydantic.functional_validators",
    "pydantic.main",
    "pydantic.type_adapter",
    "pydantic.types",
    "requests",
    "tenacity",
)
_PIPES = 3


def main() -> None:
    """Forks on request, until the other end of the socket is closed. Returns in each fork, too, at its end."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    _import_packages(sys.argv[2:])
    # The system collects each fork at its end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, pipes, _, _ = socket.recv_fds(requests, 1, _PIPES)
        if not request:
            return
        process = os.fork()
        if not process:
            break
        for descriptor in pipes:
            os.close(descriptor)
        requests.sendall(str(process).encode())
    requests.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for standard, descriptor in enumerate(pipes):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    _become(**json.loads(sys.stdin.readline()))


def _import_packages(layers: list[str]) -> None:
    """Imports them from the layers, as the environments do, and leaves nothing else of itself."""
    inherited = sys.path[1:]
    sys.path[:] = [*(str(Path(layer) / "python") for layer in layers), *inherited]
    for name in IMPORTED:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(name)
    sys.path[:] = inherited
    # A collection would copy the pages that the forks share.
    gc.freeze()


def _become(script: str, folder: str, environment: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
