"""Lets a debugger attach to one function of this server, by debugpy on loopback.

`PUT /_cartwright/debugger` with `{"function": <name>, "port": <number>}` starts an execution environment
of the function at once, in which debugpy listens on that port. `DELETE` ends it. Meanwhile:

- The function runs the working tree, so that breakpoints need no mapping of paths. Its packages come from its layers.
- A new environment replaces one that ended, for example after an update of the function's code.
- The function has an hour for each invocation, because time passes at a breakpoint.
- All its invocations take turns in that environment.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]

PATH = "/_cartwright/debugger"

_REPOSITORY = Path(__file__).resolve().parents[2]
_HOST = "127.0.0.1"
_SECONDS_FOR_AN_INVOCATION = 3600
# The adapter of an environment that was ended leaves the port a moment later.
_SECONDS_TO_LEAVE_THE_PORT = 5
_POLL_SECONDS = 0.05

type Answer = tuple[int, dict[str, str], bytes]


class _Debugged:
    """The function that is debugged, and its port."""

    function = ""
    port = 0


_debugged = _Debugged()
_choosing = threading.Lock()


def install() -> None:
    """Answers requests for `PATH`, and starts the debugged function's environments; after `forked_workers.install`."""
    _serve()
    _start_processes()
    _give_time()
    _take_turns()
    _replace_ended_environments()


def _serve() -> None:
    answer = app._handle_admin_config_request

    async def answer_request(path: str, method: str, body: bytes) -> Any:
        return _answer(method, body) if path == PATH else await answer(path, method, body)

    app._handle_admin_config_request = answer_request


def _answer(method: str, body: bytes) -> Answer:
    before = _debugged.function
    if method == "PUT":
        wanted = json.loads(body)
        if wanted["function"] not in lambda_svc._functions:
            return _json(404, {"error": f"no function is named {wanted['function']}"})
        if not before and not _is_free(wanted["port"]):
            return _json(409, {"error": f"port {wanted['port']} is taken"})
        _debugged.function, _debugged.port = wanted["function"], wanted["port"]
    elif method == "DELETE":
        _debugged.function = ""
    for function in {before, _debugged.function} - {""}:
        lambda_svc.invalidate_worker(function)
    return _json(200, {"function": _debugged.function, "port": _debugged.port})


def _start_processes() -> None:
    popen = lambda_runtime.subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        environment, function = options["env"], _debugged.function
        if environment.get("AWS_LAMBDA_FUNCTION_NAME") != function or not _becomes_free(_debugged.port):
            return popen(command, **options)
        return popen(_with_debugger(command), **options | {"env": _of_the_tree(function, environment)})

    lambda_runtime.subprocess = types.SimpleNamespace(**vars(lambda_runtime.subprocess) | {"Popen": start})


def _with_debugger(command: list[str]) -> list[str]:
    interpreter, *program = command
    listen = ["-m", "debugpy", "--configure-subProcess", "false", "--listen", f"{_HOST}:{_debugged.port}"]
    return [interpreter, "-X", "frozen_modules=off", *listen, *program]


def _of_the_tree(function: str, environment: dict[str, str]) -> dict[str, str]:
    """The variables of an environment in which the working tree comes before the layers and the package."""
    handler = lambda_svc._functions[function]["config"]["Handler"]
    sources = [str(_REPOSITORY / "shared_layer"), str(_REPOSITORY / "services" / handler.partition(".")[0])]
    return environment | {
        # The worker puts each folder before the ones that it had so far.
        "_LAMBDA_LAYERS_DIRS": os.pathsep.join([environment.get("_LAMBDA_LAYERS_DIRS", ""), *sources]),
        # What the debugger takes for ours; it does not step into anything else.
        "IDE_PROJECT_ROOTS": os.pathsep.join(sources),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _give_time() -> None:
    make = lambda_runtime.Worker.__init__

    def make_worker(worker: Any, name: str, configuration: dict[str, Any], code: bytes) -> None:
        if name == _debugged.function:
            configuration = configuration | {"Timeout": _SECONDS_FOR_AN_INVOCATION}
        make(worker, name, configuration, code)

    lambda_runtime.Worker.__init__ = make_worker


def _take_turns() -> None:
    acquire = lambda_svc.acquire_worker

    def acquire_worker(name: str, *args: Any, **options: Any) -> tuple[Any, str]:
        answer: tuple[Any, str]
        if name == _debugged.function:
            answer = _the_worker(name, *args, **options), "reused"
        else:
            answer = acquire(name, *args, **options)
        return answer

    lambda_svc.acquire_worker = acquire_worker


def _the_worker(*args: Any, **options: Any) -> Any:
    with _choosing:
        return lambda_runtime.get_or_create_worker(*args, **options)


def _replace_ended_environments() -> None:
    invalidate = lambda_svc.invalidate_worker

    def end_environments(name: str, *args: Any, **options: Any) -> None:
        invalidate(name, *args, **options)
        if name == _debugged.function and name in lambda_svc._functions:
            threading.Thread(target=_start_environment, args=(name,), daemon=True).start()

    lambda_svc.invalidate_worker = end_environments


def _start_environment(name: str) -> None:
    function = lambda_svc._functions[name]
    worker = _the_worker(name, function["config"], function["code_zip"])
    try:
        lambda_runtime.ensure_spawned(worker)
    except RuntimeError as error:
        # If it was not ended meanwhile, the next invocation fails with this error, and its caller sees it.
        print(f"{name} does not start: {error}", file=sys.stderr, flush=True)


def _becomes_free(port: int) -> bool:
    deadline = time.monotonic() + _SECONDS_TO_LEAVE_THE_PORT
    while not (free := _is_free(port)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    if not free:
        print(
            f"port {port} is taken: {_debugged.function} runs without a debugger", file=sys.stderr, flush=True
        )
    return free


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        # As debugpy's adapter does: a connection that has just ended does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _json(status: int, content: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()
