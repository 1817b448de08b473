"""The transport of one connection to another server: octets, waits with an end, and TLS. It knows no protocol."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast

_INPUT_OCTETS = 256 * 1024
"""Octets that are held before reading pauses; no reply is that long."""
_OUTPUT_OCTETS = 256 * 1024
_UNSENT_OCTETS = 128 * 1024
"""Octets that the system keeps unsent. On a slow line more of them would use up the time of the reply."""


class WireBroken(Exception):
    """The connection ended, or could not be used any more."""


class ClientWire(asyncio.Protocol):
    """A connection that this server opened. One task uses it; the event loop calls back."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._input = bytearray()
        self._is_over = False
        self._error = ""
        self._is_write_paused = False
        self._waiter: asyncio.Future[None] | None = None

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_OUTPUT_OCTETS)
        connected = transport.get_extra_info("socket")
        if connected is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_OCTETS)

    def data_received(self, data: bytes) -> None:
        self._input += data
        if len(self._input) > _INPUT_OCTETS and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_over = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = True
        self._error = self._error or (str(exc) if exc else "")
        self._is_write_paused = False
        self._wake()

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._wake()

    # --- called by the connection's task

    @property
    def is_open(self) -> bool:
        """Whether the other side has neither closed the connection nor sent anything unasked."""
        return not self._is_over and not self._input

    @property
    def has_input(self) -> bool:
        """Whether octets were received and not read, or the connection is over."""
        return bool(self._input) or self._is_over

    async def read(self, seconds: float) -> bytes:
        """The next octets; empty at the end of the connection. Raises TimeoutError."""
        await self._wait(lambda: bool(self._input) or self._is_over, seconds)
        data = bytes(self._input)
        self._input.clear()
        if self._transport is not None and not self._is_over:
            self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Send octets. They are dropped when the connection is over; the next read shows that."""
        if self._transport is not None and not self._is_over:
            self._transport.write(data)

    async def drain(self, seconds: float) -> None:
        """Wait until the other side takes more. Raises TimeoutError, and WireBroken when it will take nothing."""
        if self._is_over:
            raise WireBroken(self._error or "the connection was closed")
        if self._is_write_paused:
            await self._wait(lambda: not self._is_write_paused or self._is_over, seconds)

    async def start_tls(self, context: ssl.SSLContext, name: str, seconds: float) -> ssl.SSLObject:
        """Make a TLS handshake. Raises ssl.SSLError, OSError and TimeoutError."""
        if self._transport is None or self._is_over:
            raise WireBroken(self._error or "the connection was closed")
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self._transport,
            self,
            context,
            server_hostname=name or None,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=1.0,
        )
        if transport is None:
            raise WireBroken("the connection was closed during the handshake")
        self._transport = transport
        return cast(ssl.SSLObject, transport.get_extra_info("ssl_object"))

    def close(self) -> None:
        """Close the connection after what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._is_over = True
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not condition():
            waiter = self._waiter = loop.create_future()
            timer = loop.call_at(end, _time_out, waiter)  # a fifth of the work of asyncio.timeout, at every reply
            try:
                await waiter
            finally:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _time_out(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


async def connect(address: str, port: int, seconds: float) -> ClientWire:
    """Open a connection. Raises OSError, and TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        _, wire = await asyncio.get_running_loop().create_connection(ClientWire, address, port)
    return wire
