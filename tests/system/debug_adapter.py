"""A client of the Debug Adapter Protocol, as an editor is one: it attaches to debugpy, and stops at a line."""

import itertools
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tools.settings import HOST
from tools.waiting import wait_for

_SECONDS = 60


class Debugger:
    """An attached debugger. A wait fails after a minute, and with ConnectionError or EOFError if debugpy hangs up."""

    def __init__(self, connection: socket.socket, stream: BinaryIO) -> None:
        self._connection, self._stream = connection, stream
        self._numbers = itertools.count(1)
        self._passed: list[dict[str, Any]] = []

    def attach(self, breakpoints: dict[Path, list[int]]) -> bool:
        """Attaches, and stops from now on at these lines; tells whether the debugger knows a place for each."""
        self._send("initialize", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        attaching = self._send("attach", justMyCode=True)
        self.event("initialized")
        numbers = [
            self._send(
                "setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": line} for line in lines]
            )
            for path, lines in breakpoints.items()
        ]
        found = [one for number in numbers for one in self._answer(number)["breakpoints"]]
        self._answer(self._send("configurationDone"))
        self._answer(attaching)
        return all(one["verified"] for one in found)

    def stopped(self) -> tuple[int, dict[str, Any]]:
        """Waits until a thread stops; returns its number and its innermost frame."""
        thread: int = self.event("stopped")["threadId"]
        frames = self._answer(self._send("stackTrace", threadId=thread, levels=1))["stackFrames"]
        return thread, frames[0]

    def evaluate(self, expression: str, frame: dict[str, Any]) -> str:
        """The value of an expression in a frame."""
        return str(self._answer(self._send("evaluate", expression=expression, frameId=frame["id"]))["result"])

    def go_on(self, thread: int) -> None:
        """Lets the thread run."""
        self._answer(self._send("continue", threadId=thread))

    def event(self, name: str) -> dict[str, Any]:
        """Waits for an event."""
        body: dict[str, Any] = self._wait({"type": "event", "event": name}).get("body", {})
        return body

    def _send(self, command: str, **arguments: Any) -> int:
        number = next(self._numbers)
        content = json.dumps({"seq": number, "type": "request", "command": command, "arguments": arguments})
        self._connection.sendall(f"Content-Length: {len(content)}\r\n\r\n{content}".encode())
        return number

    def _answer(self, number: int) -> dict[str, Any]:
        answer = self._wait({"type": "response", "request_seq": number})
        assert answer["success"], answer
        body: dict[str, Any] = answer.get("body", {})
        return body

    def _wait(self, wanted: dict[str, Any]) -> dict[str, Any]:
        for message in self._passed:
            if wanted.items() <= message.items():
                self._passed.remove(message)
                return message
        while not wanted.items() <= (message := self._read()).items():
            self._passed.append(message)
        return message

    def _read(self) -> dict[str, Any]:
        header = self._stream.readline()
        if not header:
            raise EOFError("The debugger hung up.")
        # An empty line ends the header.
        self._stream.readline()
        message: dict[str, Any] = json.loads(self._stream.read(int(header.removeprefix(b"Content-Length: "))))
        return message


@contextmanager
def debugger(port: int) -> Iterator[Debugger]:
    """A debugger that is connected to this port; raises NotInTime if nobody listens there."""

    def connection() -> socket.socket | None:
        try:
            return socket.create_connection((HOST, port), _SECONDS)
        except ConnectionRefusedError:
            return None

    with (
        wait_for(connection, f"debugpy to listen on port {port}", seconds=_SECONDS) as connected,
        connected.makefile("rb") as stream,
    ):
        yield Debugger(connected, stream)
