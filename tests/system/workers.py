"""The processes in which the embedded cloud runs functions: each stands in a folder that is named after its function.

It reads Linux's list of processes. A process that ends meanwhile does not count, nor does another user's.
"""

import fcntl
import os
import signal
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.settings import STATE
from tools.stack import Stack

from .trouble import trouble


def workers_of(stack: Stack, function: str) -> list[int]:
    """The process ids of a function's execution environments, of the running cloud alone."""
    folder = f"ministack-lambda-{stack.resource(function)}-"
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [
        pid
        for pid in pids
        if (environment := _folder(pid).parent).parent == STATE / "tmp"
        and environment.name.startswith(folder)
    ]


def kill_workers(stack: Stack, function: str) -> int:
    """Ends a function's processes wherever they are, without a word; how many there were."""
    pids = workers_of(stack, function)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


def has_a_call(stack: Stack, function: str) -> bool:
    """Whether a process of the function was handed a call that it has not read, as one that stands still."""
    return any(_unread(pid) for pid in workers_of(stack, function))


@trouble
@contextmanager
def standing_still(stack: Stack, function: str) -> Iterator[None]:
    """A function's processes do nothing until the end of the block: what they are given meanwhile stays with them.

    They go on then, if they still live.
    """
    # The cloud gives a call to a function's first environment, and starts it anew if its process has ended. An empty
    # call, which the function refuses, starts it now, so that the next call meets a process that stands still.
    stack.client("lambda").invoke(FunctionName=stack.resource(function), Payload=b"{}")
    pids = workers_of(stack, function)
    assert pids, f"{function} has no process"
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in set(pids) & set(workers_of(stack, function)):
            os.kill(pid, signal.SIGCONT)


def _unread(pid: int) -> int:
    """How many bytes wait in the pipe through which the cloud hands the process its calls."""
    try:
        pipe = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")
    finally:
        os.close(pipe)


def _folder(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # It has ended, or is another user's.
        return Path()
