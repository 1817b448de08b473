"""The socket of one connection: bounded input, output with flow control, and a bell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from shared.network.slot import Slot

_INPUT_HIGH = 131_072
"""Octets of input held before the client is made to wait."""
_OUTPUT_HIGH = 262_144


class Wire(asyncio.Protocol):
    """Implements the session's `Wire`. `connected(wire)` is called once TLS is up."""

    def __init__(self, slot: Slot, connected: Callable[[Wire], None], write_timeout: float) -> None:
        self.slot = slot
        self._connected = connected
        self._write_timeout = write_timeout
        self._transport: asyncio.Transport | None = None
        self._input: list[bytes] = []
        self._held = 0
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._full = False
        self._lost = False
        self.ended = False
        self.peer = slot.address

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_OUTPUT_HIGH)
        self._connected(self)

    def data_received(self, data: bytes) -> None:
        self._input.append(data)
        self._held += len(data)
        if self._held > _INPUT_HIGH and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = self._lost = True
        self.slot.leave()
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    # -- what the session calls

    def take(self) -> bytes:
        """What has come so far."""
        if not self._input:
            return b""
        data = self._input[0] if len(self._input) == 1 else b"".join(self._input)
        self._input.clear()
        if self._held > _INPUT_HIGH and self._transport is not None and not self._lost:
            self._transport.resume_reading()
        self._held = 0
        return data

    async def wait(self, seconds: float) -> bool:
        """Wait for input or the end (False), or for `ring` (True). Raises TimeoutError."""
        if not (self._input or self._rung or self.ended):
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(seconds):
                    await self._waiter
            finally:
                self._waiter = None
        rung, self._rung = self._rung, False
        return rung

    def ring(self) -> None:
        """Let a `wait` return, this one or the next."""
        self._rung = True
        self._wake()

    async def send(self, data: bytes) -> None:
        """Write; returns when there is room for more. Raises ConnectionError, TimeoutError."""
        if self._transport is None or self._lost:
            raise ConnectionResetError("the client has gone")
        self._transport.write(data)
        if self._full:
            await self._drained()

    def prove(self) -> None:
        """The client has logged in: a full listener closes others first."""
        self.slot.prove()

    def close(self) -> None:
        """Send what is left and close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def abort_within(self, seconds: float) -> None:
        """Close without a word after this time, whatever goes on then."""
        asyncio.get_running_loop().call_later(seconds, self.abort)

    async def _drained(self) -> None:
        self._room = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._write_timeout):
                await self._room
        finally:
            self._room = None
        if self._lost:
            raise ConnectionResetError("the client has gone")

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
