"""The transport of one connection: octets, flow control, time-outs, TLS. It knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import cast

import msgspec

from shared.network.slot import Slot
from shared.tls.handshake import TlsHandshake, describe

_INPUT_OCTETS = 131_072
"""Held before the peer is not read any more."""
_GRAIN = 0.001
"""Seconds between two times of uvloop's clock: a timer may ring before its time by less."""
_DISCARD_SECONDS = 2.0
_DISCARD_OCTETS = 1024 * 1024


class WireLimits(msgspec.Struct, frozen=True):
    """Of a connection."""

    write_seconds: float
    """That a peer may take before it reads on."""
    close_seconds: float
    """For the last octets to be taken."""
    output_octets: int = 65_536
    """Written and not yet taken, before `drain` waits."""


class Wire(asyncio.Protocol):
    """Stands between the event loop, which calls back, and the one task of a connection, which waits.

    `connected(wire)` is called once there is a transport, which is when TLS is up for a port of implicit TLS.
    """

    def __init__(self, slot: Slot, limits: WireLimits, connected: Callable[[Wire], None]) -> None:
        self.slot = slot
        self._limits = limits
        self._connected: Callable[[Wire], None] | None = connected
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._input: list[bytes] = []
        self.held = 0
        """Octets that have come and are not taken yet."""
        self._discarded: int | None = None
        """Octets that came behind the end of the session, once it has ended."""
        self._rung = False
        self._is_paused = False
        self.is_choked = False
        """The peer does not read: `drain` would wait."""
        self._waiter: asyncio.Future[None] | None = None
        self._due = self._armed = 0.0  # the end of this wait, and the time of the timer
        self._timer: asyncio.TimerHandle | None = None
        self._cutter: asyncio.TimerHandle | None = None
        self.is_over = False
        """Nothing more will come: the peer closed, or the server ends the connection."""
        self.is_lost = False
        """Nothing more can be sent either."""

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.output_octets)
        if self._connected is None:  # STARTTLS: the same connection under TLS
            return
        connected, self._connected = self._connected, None
        connected(self)

    def data_received(self, data: bytes) -> None:
        if self._discarded is None:
            self._input.append(data)
            self.held += len(data)
            if self.held > _INPUT_OCTETS:
                self._pause_reading()
        else:
            self._discarded += len(data)
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        return self.handshake() is None  # half-closed, the answers still find their way; TLS knows no such state

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()
        for timer in (self._timer, self._cutter):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        self.is_choked = True

    def resume_writing(self) -> None:
        self.is_choked = False
        self._wake()

    # --- called by the connection's task

    @property
    def peer(self) -> str:
        """Address of the client; an IPv4-mapped address is the IPv4 address."""
        return self.slot.address

    @property
    def peer_port(self) -> int:
        """Port of the client; 0 when it is not known."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return int(name[1]) if name else 0

    def take(self) -> bytes:
        """What has come so far; empty when nothing has."""
        if not self.held:
            return b""
        taken = self._input
        self._input, self.held = [], 0
        if self._is_paused:
            self._resume_reading()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    async def wait(self, seconds: float) -> bool:
        """Wait for input or the end (False), or for `ring` (True). Raises TimeoutError."""
        if not (self.held or self._rung or self.is_over):
            end = self._loop.time() + seconds
            while not (self.held or self._rung or self.is_over):
                await self._change(end)
        rung, self._rung = self._rung, False
        return rung

    def ring(self) -> None:
        """Let a `wait` return, this one or the next."""
        self._rung = True
        self._wake()

    async def send(self, data: bytes | bytearray) -> None:
        """Write; returns when there is room for more. Raises as `drain`."""
        self.write(data)
        await self.drain()

    def write(self, data: bytes | bytearray) -> None:
        """Send, without waiting; nothing happens when the peer has gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until there is room for more. Raises ConnectionError when the peer has gone, TimeoutError when it does
        not read.
        """
        if self.is_choked:
            end = self._loop.time() + self._limits.write_seconds
            while self.is_choked and not self.is_lost:
                await self._change(end)
        if self.is_lost:
            raise ConnectionResetError("the client has gone")

    async def pause(self, seconds: float) -> None:
        """Let the peer wait. It is not read meanwhile: what it sends on stays in its own memory."""
        self._pause_reading()
        end = self._loop.time() + seconds
        try:
            with contextlib.suppress(TimeoutError):
                while not self.is_lost:
                    await self._change(end)
        finally:
            if self.held <= _INPUT_OCTETS:
                self._resume_reading()

    async def start_tls(self, context: ssl.SSLContext, seconds: float) -> TlsHandshake | None:
        """The server's side of the handshake; None when it failed, and the connection with it. Input that is here
        already came in the clear, and is dropped.
        """
        assert self._transport is not None
        self.take()
        self._resume_reading()
        self.slot.begin_handshake()
        try:
            upgraded = await self._loop.start_tls(
                self._transport, self, context, server_side=True, ssl_handshake_timeout=seconds
            )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            upgraded = None
        if upgraded is None:
            self._lose()  # a handshake that fails never says that the connection is lost
            return None
        self.slot.end_handshake()
        self._transport = upgraded
        return self.handshake()

    def handshake(self) -> TlsHandshake | None:
        """What TLS came to; None without it."""
        opened = self._transport.get_extra_info("ssl_object") if self._transport else None
        return describe(opened) if opened is not None else None

    def prove(self) -> None:
        """The client has shown what it is for: a full listener closes others first."""
        self.slot.prove()

    # --- the end

    async def linger(self) -> None:
        """Say that nothing more will be sent, and discard what the peer still sends, for a while. Input that nobody
        reads would make the kernel reset the connection, and the peer would lose the replies it has not read yet.
        """
        transport = self._transport
        if transport is None or self.is_over or transport.is_closing() or not transport.can_write_eof():
            return
        self._discarded = 0
        transport.write_eof()
        self._resume_reading()
        end = self._loop.time() + _DISCARD_SECONDS
        with contextlib.suppress(TimeoutError):
            while not self.is_over and self._discarded < _DISCARD_OCTETS:
                await self._change(end)

    def close(self) -> None:
        """Send what is left and close; a peer that does not take it is cut off after a while."""
        if self._transport is not None:
            if not self.is_lost:
                self.abort_within(self._limits.close_seconds)
            self._transport.close()

    def hang_up(self) -> None:
        """Nothing more is to be heard."""
        self.is_over = True
        self._wake()

    def abort(self) -> None:
        """Close at once."""
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def abort_within(self, seconds: float) -> None:
        """Close without a word after this time, whatever goes on then."""
        if self._cutter is not None:
            self._cutter.cancel()
        self._cutter = self._loop.call_later(seconds, self.abort)

    def _lose(self) -> None:
        self.is_over = self.is_lost = True
        self.is_choked = False
        self.slot.leave()
        self._wake()

    # --- waiting

    def _pause_reading(self) -> None:
        if not self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_paused and self._transport is not None and not self.is_lost:
            self._is_paused = False
            self._transport.resume_reading()

    def _change(self, end: float) -> asyncio.Future[None]:
        """To be awaited: done when something happens, and at that time at the latest. Raises TimeoutError when it has
        come.
        """
        if end - self._loop.time() < _GRAIN:
            raise TimeoutError
        self._due = end
        if self._timer is None or self._armed > end + _GRAIN:
            self._arm(end)
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _arm(self, end: float) -> None:
        """One timer for many waits: it is moved when it is due and the wait is a later one, not for each wait."""
        if self._timer is not None:
            self._timer.cancel()
        self._armed = end
        self._timer = self._loop.call_at(end, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._due - self._loop.time() >= _GRAIN:
            self._arm(self._due)
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
