"""Lets containers reach the embedded cloud, which listens on loopback alone."""

import asyncio
import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tools.cloud.sam_local.engine import Engine
from tools.settings import HOST

_DESKTOP_HOST = "host.docker.internal"
_CHUNK = 64 * 1024


@contextmanager
def reachable_from_containers(engine: Engine, port: int) -> Iterator[str]:
    """The containers' URL of loopback at `port`, for as long as the block runs.

    On Linux this forwards connections to the host's address on the engine's bridge. Docker Desktop runs its engine in a
    virtual machine, which has that address; there the host's loopback has a name of its own.
    """
    gateway = engine.gateway()
    try:
        listener = socket.create_server((gateway, port))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        yield f"http://{_DESKTOP_HOST}:{port}"
        return
    with listener, forwarded(listener, port):
        yield f"http://{gateway}:{port}"


@contextmanager
def forwarded(listener: socket.socket, port: int) -> Iterator[None]:
    """Forwards each connection of `listener` to loopback at `port` for as long as the block runs."""
    loop = asyncio.new_event_loop()
    done = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(listener, port, done),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


async def _serve(listener: socket.socket, port: int, done: asyncio.Event) -> None:
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(_forward(reader, writer, port))
        connections.add(connection)
        connection.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, sock=listener)
    await done.wait()
    server.close()
    # A container that was removed has not closed its connections.
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Joins a connection with a new one to loopback until both end, or one breaks."""
    try:
        onward_reader, onward_writer = await asyncio.open_connection(HOST, port)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(_copy(reader, onward_writer))
                directions.create_task(_copy(onward_reader, writer))
        finally:
            onward_writer.transport.abort()
    except* OSError:
        # One end is gone, or the embedded cloud is. The other end sees its connection end, as without a forwarder.
        pass
    finally:
        writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies until the end of the stream, and passes that on. Raises OSError if an end is gone."""
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()
