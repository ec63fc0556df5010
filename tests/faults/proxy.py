"""A TCP proxy that can be made slow, narrow, deaf or treacherous while connections run through it."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

CHUNK = 1 << 16
STEP_SECONDS = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What the network does to each connection; by default nothing. Bytes are counted from the trouble's start."""

    latency: float = 0.0
    bytes_per_second: float = 0.0
    reset_after: int | None = None
    answers_end_after: int | None = None
    """Half-close: the client reads end of file, and what it still sends goes through."""
    stalled: bool = False


CALM = Trouble()


class Network:
    """The thread in which the proxies of a run work."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._thread.start()

    def proxy(self, port: int, target: int) -> "Proxy":
        """Listen on a port of this machine and pass everything on to another one."""
        made = Proxy(port, target)
        self._call(made.listen())
        return made

    def close(self) -> None:
        """Drop every connection."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @staticmethod
    async def _end() -> None:
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _call(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result()


class Proxy:
    """One listening port. ``trouble`` may be set at any time, from any thread."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.trouble = CALM
        self._target = target
        self._running: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The loop itself holds tasks weakly: one that waits for a client that waits for it would be collected.
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        with suppress(asyncio.CancelledError):  # the end of the network
            await self._connect(reader, writer)
        self._running.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(self, writer, onward[1])
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(pair.carry(reader, onward[1], answers=False))
                ways.create_task(pair.carry(onward[0], writer, answers=True))
        except* OSError:
            pair.reset()
        finally:
            writer.close()
            onward[1].close()


class _Pair:
    """One client's connection and its continuation."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers = (client, server)
        self._trouble = CALM
        self._carried = 0

    def reset(self) -> None:
        for writer in self._writers:
            _reset(writer)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        """Pass one direction on until its end; whoever reads too slowly is waited for."""
        ended = False
        while data := await reader.read(CHUNK):
            while self._proxy.trouble.stalled:  # noqa: ASYNC110 - set from another thread, which an event is not for
                await asyncio.sleep(STEP_SECONDS)
            trouble = self._proxy.trouble
            if trouble is not self._trouble:
                self._trouble, self._carried = trouble, 0
            self._carried += len(data)
            if trouble.latency:
                await asyncio.sleep(trouble.latency)
            if trouble.bytes_per_second:
                await asyncio.sleep(len(data) / trouble.bytes_per_second)
            if trouble.reset_after is not None and self._carried > trouble.reset_after:
                writer.write(data[: len(data) // 2])
                self.reset()
                return
            if answers and trouble.answers_end_after is not None and self._carried > trouble.answers_end_after:
                ended = True
                writer.write_eof()
            if ended:
                return
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof() and not ended:
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, so that the other side hears of an error and not of an end."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):  # closed already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
