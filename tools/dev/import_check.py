"""Imports functions as Lambda would, before they are deployed: a broken one is found with its file and line.

Each check runs in a fork of a process that has imported the large packages, so it takes a fraction of a second. It
never runs a handler. A module may need its function's variables when it is imported, so each gets those.
"""

import importlib
import multiprocessing
import os
import sys
import traceback
from collections.abc import Collection, Iterable
from multiprocessing.connection import Connection
from pathlib import Path

from tools.cloud.sync import Function
from tools.console import StepError
from tools.settings import REPOSITORY, tool_environment

type _Import = tuple[str, dict[str, str]]

# The first is what a fork imports anyway, of the tools.
_IMPORTED_ONCE = [
    "tools.dev.import_check",
    "aws_lambda_powertools.event_handler.openapi.models",
    "aws_lambda_powertools.utilities.batch",
    "botocore.client",
    "botocore.session",
    "pydantic",
]
# As in tools/settings.py: there is no X-Ray to send traces to.
_IN_THE_CLOUD = {"POWERTOOLS_TRACE_DISABLED": "true"}
_SECONDS = 60


class ImportCheck:
    """Imports functions on request. The first check takes a second or two longer than the others."""

    def __init__(self, endpoint: str) -> None:
        self._environment = tool_environment(endpoint) | _IN_THE_CLOUD
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(_IMPORTED_ONCE)

    def problem(self, functions: Collection[Function]) -> str:
        """Where and why the first of these functions cannot be imported from the tree; empty if all can be.

        Raises StepError if the check does not end.
        """
        wanted = [(function.module, dict(function.variables)) for function in functions]
        ours, theirs = self._processes.Pipe(duplex=False)
        process = self._processes.Process(
            target=_check, args=(theirs, wanted, self._environment), daemon=True
        )
        process.start()
        theirs.close()
        try:
            if not ours.poll(_SECONDS):
                process.kill()
                raise StepError(
                    f"The imports of {len(functions)} functions did not end within {_SECONDS} s.",
                    "Look for work that a module does when it is imported.",
                )
            return str(ours.recv())
        except EOFError:
            return "A module ends the process when it is imported."
        finally:
            process.join()


def location(error: BaseException) -> str:
    """Our file and line that the error comes from, as `path:line: message`, and without them if none is ours."""
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(frame.filename)]
    return f"{_shown(ours[-1].filename)}:{ours[-1].lineno}: {message}" if ours else message


def _check(answer: Connection, wanted: Iterable[_Import], environment: dict[str, str]) -> None:
    """Sends the problem of the first module that cannot be imported, or an empty text."""
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(REPOSITORY / "shared_layer"), *map(str, sorted((REPOSITORY / "services").iterdir()))]
    os.environ.clear()
    for module, variables in wanted:
        os.environ.update(environment | variables)
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - any error is the answer
            answer.send(location(error))
            return
    answer.send("")


def _is_ours(name: str) -> bool:
    path = Path(name)
    return any(path.is_relative_to(REPOSITORY / folder) for folder in ("services", "shared_layer"))


def _shown(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(REPOSITORY)) if path.is_relative_to(REPOSITORY) else name
