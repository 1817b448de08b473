"""An IMAP connection for responses of any size, which keeps only the last line, so that the client is no bottleneck."""

from __future__ import annotations

import asyncio
import itertools
from typing import cast

from loadtest.imap.responses import quoted
from loadtest.imap.session import ImapRefused
from loadtest.target import Target, trusting_context

_TAIL = 65536
"""Octets that are kept; a tagged response is never longer."""


class BulkSession(asyncio.Protocol):
    """A connection, opened with `open_bulk`, for one command at a time; its response ends in a line that begins with
    the tag."""

    def __init__(self) -> None:
        self._tags = itertools.count(1)
        self._tag = b"*"
        self._tail = b""
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.octets = 0
        """Octets received so far."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.octets += len(data)
        self._tail = (self._tail + data)[-_TAIL:]
        if data.endswith(b"\n") and not self._answer.done():
            last = self._tail[:-2].rpartition(b"\n")[2]
            if last.startswith(self._tag + b" "):
                self._answer.set_result(last[len(self._tag) + 1 :])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(ImapRefused("connection lost"))
            self._answer.exception()

    async def command(self, *lines: bytes) -> bytes:
        """Send commands together; returns the tagged response of the last one without its tag.

        Raises ImapRefused when the connection breaks.
        """
        if self._transport is None or self._transport.is_closing():
            raise ImapRefused("connection lost")
        self._tag, self._tail = b"B%d" % next(self._tags), b""
        self._answer = asyncio.get_running_loop().create_future()
        before = b"".join(b"x %s\r\n" % line for line in lines[:-1])
        self._transport.write(b"%s%s %s\r\n" % (before, self._tag, lines[-1]))
        return await self._answer

    async def greeting(self) -> bytes:
        """The first line. Raises ImapRefused."""
        return await self._answer

    def close(self) -> None:
        """Ends the connection."""
        if self._transport is not None:
            self._transport.close()


async def open_bulk(target: Target, user: int) -> BulkSession:
    """Connects and logs in. Raises OSError, ImapRefused."""
    _, session = await asyncio.get_running_loop().create_connection(
        BulkSession, target.host, target.imap_port, ssl=trusting_context() if target.imap_tls else None
    )
    await session.greeting()
    answer = await session.command(b"LOGIN %s %s" % (quoted(target.login(user)), quoted(target.password)))
    if not answer.startswith(b"OK"):
        session.close()
        raise ImapRefused(answer.decode("utf-8", "replace")[:200])
    return session
