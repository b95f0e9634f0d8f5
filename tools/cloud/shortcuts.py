"""Spares MiniStack work and waits that repeat, and changes none of its answers.

**Layers and code are unpacked once.** MiniStack writes, checks and unpacks a function's layers and its code for each
execution environment, and removes the files at its end. All environments share one unpacked copy instead, as on AWS all
see the same `/opt` and the same `/var/task`. Each update of a function also had MiniStack list all files of its layers,
to add up their sizes.

**An answer leaves in one piece.** hypercorn sends the head of an answer by itself, so both ends wake up twice.

**A function's output ends with a mark.** After each invocation MiniStack waits for further lines: 5 ms, and 50 ms if
there is none. Its thread that reads streams invokes one function after the other, so everything behind waits too. The
worker writes a mark behind its output, and MiniStack stops waiting at the mark.

**Texts are parsed once.** MiniStack parses a caller's policies for each request, and an expression for each item that a
query meets.

**Garbage is collected less often.** Each collection walks through all stored items, and frees next to nothing.
"""

import gc
import io
import queue
import sys
import tempfile
import threading
import time
import types
import zipfile
from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

# MiniStack and its server are in the embedded cloud's own environment, where the type checker does not look.
import h11
from hypercorn.events import RawData  # type: ignore[import-not-found]
from hypercorn.protocol.h11 import H11Protocol  # type: ignore[import-not-found]
from ministack.core import iam_evaluator, lambda_runtime  # type: ignore[import-not-found]
from ministack.services import dynamodb, lambda_svc  # type: ignore[import-not-found]

_LINK = b"unpacked at "
_LAYERS_KEPT = 8
_TEXTS_KEPT = 4096
_OBJECTS_BETWEEN_COLLECTIONS = 100_000

_END_OF_OUTPUT = "--- end of the invocation's output ---"
# For the mark of a worker that lives; a busy machine takes its time.
_LONGEST_WAIT_SECONDS = 10
# Without one: the lines of a worker that died are there by then.
_PAUSE_SECONDS = 0.25
_ANSWERED = "        _real_stdout.flush()\n\nrun()\n"
_MARKED = f"        print({_END_OF_OUTPUT!r}, file=sys.stderr, flush=True)\n{_ANSWERED}"

# Whether the present thread starts an execution environment.
_starting: ContextVar[bool] = ContextVar("starting", default=False)
_unpacking = threading.Lock()
# Where the code with these files lies unpacked: their names, checksums and sizes.
_copies: dict[tuple[tuple[str, int, int], ...], Path] = {}


def install() -> None:
    """Takes the shortcuts; exits with an error if MiniStack's code has changed too much for one."""
    _link_archives()
    lambda_svc._unzipped_size = lru_cache(_LAYERS_KEPT)(lambda_svc._unzipped_size)
    _mark_outputs()
    _remember_parsed_texts()
    _send_heads_with_bodies()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def _link_archives() -> None:
    spawn, resolve = lambda_runtime.Worker._spawn, lambda_svc._resolve_layer_zip

    def spawn_with_links(worker: Any) -> None:
        token = _starting.set(True)
        try:
            spawn(worker)
        finally:
            _starting.reset(token)

    def resolve_layer(attachment: Any) -> bytes | None:
        layer: bytes | None = resolve(attachment)
        return _link_to(layer) if layer and _starting.get() else layer

    lambda_runtime.Worker._spawn = spawn_with_links
    lambda_svc._resolve_layer_zip = resolve_layer
    lambda_runtime.zipfile = types.SimpleNamespace(
        ZipFile=_LinkingArchive, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile
    )


class _LinkingArchive(zipfile.ZipFile):
    """Unpacks a link to a layer as that link, and a function's code as links to the files of its only copy."""

    def extractall(self, path: Any = None, *more: Any) -> None:
        """See zipfile.ZipFile.extractall; MiniStack names the folder alone."""
        assert not more
        wanted = Path(path)
        if self.comment.startswith(_LINK):
            wanted.rmdir()
            wanted.symlink_to(self.comment.removeprefix(_LINK).decode())
            return
        for entry in self._copy().iterdir():
            (wanted / entry.name).symlink_to(entry)

    def _copy(self) -> Path:
        files = tuple((file.filename, file.CRC, file.file_size) for file in self.infolist())
        with _unpacking:
            if files not in _copies:
                folder = Path(tempfile.mkdtemp(prefix="code-"))
                super().extractall(folder)
                _copies[files] = folder
        return _copies[files]


def _link_to(layer: bytes) -> bytes:
    with _unpacking:
        return _unpacked(layer)


@lru_cache(_LAYERS_KEPT)
def _unpacked(layer: bytes) -> bytes:
    """An empty archive that says where the layer is unpacked."""
    folder = tempfile.mkdtemp(prefix="layer-")
    zipfile.ZipFile(io.BytesIO(layer)).extractall(folder)
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        archive.comment = _LINK + folder.encode()
    return link.getvalue()


def _mark_outputs() -> None:
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_ANSWERED) != 1:
        sys.exit(
            "MiniStack's worker ends in another way now: adapt or drop the mark in tools/cloud/shortcuts.py."
        )
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_ANSWERED, _MARKED)
    lambda_runtime.Worker._drain_stderr_bounded = _output


def _output(worker: Any) -> str:
    """The lines of the present invocation. A worker that died wrote no mark: then a pause ends them.

    What is left behind here would come with the worker's next invocation, which may be minutes later.
    """
    lines: list[str] = []
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            line = worker._stderr_queue.get(timeout=_PAUSE_SECONDS)
        except queue.Empty:
            if _lives(worker):
                continue
            break
        if line == _END_OF_OUTPUT:
            break
        lines.append(line)
    return "\n".join(lines)


def _lives(worker: Any) -> bool:
    return worker._proc is not None and worker._proc.poll() is None


def _remember_parsed_texts() -> None:
    dynamodb._condition_syntax_error = lru_cache(_TEXTS_KEPT)(dynamodb._condition_syntax_error)
    tokenize = lru_cache(_TEXTS_KEPT)(dynamodb._tokenize)
    dynamodb._tokenize = lambda expression: list(tokenize(expression))
    iam_evaluator.parse_policy_document = _remembering_texts(iam_evaluator.parse_policy_document)


def _remembering_texts(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    parse_text = lru_cache(_TEXTS_KEPT)(parse)
    return lambda document: parse_text(document) if isinstance(document, str) else parse(document)


def _send_heads_with_bodies() -> None:
    async def send_event(protocol: Any, event: Any) -> None:
        try:
            data = protocol.connection.send(event)
        except h11.LocalProtocolError:
            if protocol.connection.their_state != h11.ERROR:
                raise
            return
        data = vars(protocol).pop("_head", b"") + data
        if isinstance(event, h11.Response):
            protocol._head = data
        else:
            await protocol.send(RawData(data=data))

    H11Protocol._send_h11_event = send_event
