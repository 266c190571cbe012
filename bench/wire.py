"""A wire between two parts that can be cut, held up, and joined again: a bad network on demand."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from pathlib import Path


class Wire(threading.Thread):
    """Hands bytes from a loopback port on to a socket, both ways, in its own thread."""

    def __init__(self, port: int, target: Path) -> None:
        """port: where the near end listens; target: the Unix socket of the far end."""
        super().__init__(daemon=True)
        self._port, self._target = port, target
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._held_until = 0.0

    def run(self) -> None:
        """Listen until the process ends."""
        asyncio.set_event_loop(self._loop)
        listen = asyncio.start_server(self._join, "127.0.0.1", self._port)
        self._loop.run_until_complete(listen)
        self._loop.run_forever()

    def cut(self) -> None:
        """Break every connection; new ones may be made at once."""
        self._loop.call_soon_threadsafe(self._cut)

    def hold(self, seconds: float) -> None:
        """Let nothing through for a while; nothing is lost."""
        self._held_until = time.monotonic() + seconds

    def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self._target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        self._writers -= both

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(65536):
                await asyncio.sleep(max(0.0, self._held_until - time.monotonic()))
                writer.write(content)
                await writer.drain()
        writer.close()
