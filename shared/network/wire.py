"""The transport of one connection: octets, flow control, time-outs, TLS. It knows no protocol."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable
from typing import cast

import msgspec

from shared.network.slot import Slot
from shared.tls.handshake import TlsHandshake, describe

_INPUT_OCTETS = 131_072
"""Octets of input that are held before reading from the client pauses."""
_READ_OCTETS = 65_536
"""Octets that are read at once."""
_RECORD_OCTETS = 16_384
"""The largest record of TLS (RFC 8446 §5.1). The buffer between OpenSSL and the socket keeps the size of the largest
write for the life of a connection, so nothing larger is written at once."""
_GRAIN = 0.001
"""The resolution of uvloop's clock in seconds: a timer may fire early by less than this."""
_DISCARD_SECONDS = 2.0
_DISCARD_OCTETS = 1024 * 1024


class WireLimits(msgspec.Struct, frozen=True):
    """The limits of a connection."""

    write_seconds: float
    """Seconds for which a client may take no output."""
    close_seconds: float
    """Seconds for the client to take the last octets."""
    output_octets: int = 65_536
    """Octets that were written and not taken yet, above which `drain` waits."""


class _Received(threading.local):
    """The buffer of a thread's event loop, into which it reads from any connection."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_READ_OCTETS))


_RECEIVED = _Received()


class Wire(asyncio.BufferedProtocol):
    """Connects the event loop, which calls back, with the only task of a connection, which waits.

    `connected(wire)` is called once there is a transport; with implicit TLS that is after the handshake.
    """

    def __init__(self, slot: Slot, limits: WireLimits, connected: Callable[[Wire], None]) -> None:
        self.slot = slot
        self._limits = limits
        self._connected: Callable[[Wire], None] | None = connected
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._input: list[bytes] = []
        self.held = 0
        """Octets that were received and not taken yet."""
        self._discarded: int | None = None
        """Octets that were received after the end of the session."""
        self._rung = False
        self._is_paused = False
        self.is_choked = False
        """Whether the client takes no output, so that `drain` would wait."""
        self._waiter: asyncio.Future[None] | None = None
        self._due = self._armed = 0.0  # the end of the present wait, and the time of the timer
        self._timer: asyncio.TimerHandle | None = None
        self._cutter: asyncio.TimerHandle | None = None
        self.is_over = False
        """Whether there is no more input, because the client has closed or the server ends the connection."""
        self.is_lost = False
        """Whether nothing can be sent any more."""

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.output_octets)
        if self._connected is None:  # STARTTLS: the same connection under TLS
            return
        connected, self._connected = self._connected, None
        connected(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """All connections share a buffer: what is read is copied at once, in its own size."""
        return _RECEIVED.view

    def buffer_updated(self, nbytes: int) -> None:
        if self._discarded is None:
            self._input.append(bytes(_RECEIVED.view[:nbytes]))
            self.held += nbytes
            if self.held > _INPUT_OCTETS:
                self._pause_reading()
        else:
            self._discarded += nbytes
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        return self.handshake() is None  # half-closed: replies can still be sent; TLS has no such state

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
        """The client's address; an IPv4-mapped address is the IPv4 address."""
        return self.slot.address

    @property
    def peer_port(self) -> int:
        """The client's port; 0 when unknown."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return int(name[1]) if name else 0

    def take(self) -> bytes:
        """The octets received so far; may be empty."""
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
        """Let the present or the next `wait` return."""
        self._rung = True
        self._wake()

    async def send(self, data: bytes | bytearray) -> None:
        """Write, and wait until there is room for more. Raises like `drain`."""
        self.write(data)
        await self.drain()

    def write(self, data: bytes | bytearray) -> None:
        """Write without waiting; does nothing when the client has gone."""
        if self._transport is None or self._transport.is_closing():
            return
        if len(data) <= _RECORD_OCTETS:
            self._transport.write(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), _RECORD_OCTETS):
            self._transport.write(view[start : start + _RECORD_OCTETS])

    async def drain(self) -> None:
        """Wait until there is room for output.

        Raises ConnectionError when the client has gone, TimeoutError when it takes no output.
        """
        if self.is_choked:
            end = self._loop.time() + self._limits.write_seconds
            while self.is_choked and not self.is_lost:
                await self._change(end)
        if self.is_lost:
            raise ConnectionResetError("the client has gone")

    async def pause(self, seconds: float) -> None:
        """Let the client wait. Its input is not read meanwhile, so it stays in the client's memory."""
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
        """Do the server's side of the handshake; None when it failed, and the connection is lost.

        Input that is already buffered arrived in the clear and is dropped.
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
            self._lose()  # asyncio does not report a lost connection after a failed handshake
            return None
        self.slot.end_handshake()
        self._transport = upgraded
        return self.handshake()

    def handshake(self) -> TlsHandshake | None:
        """The properties of TLS; None without TLS."""
        opened = self._transport.get_extra_info("ssl_object") if self._transport else None
        return describe(opened) if opened is not None else None

    def client_certificate(self) -> bytes | None:
        """The certificate in DER that the client has shown, if an authority of the listener has signed it."""
        opened = self._transport.get_extra_info("ssl_object") if self._transport else None
        return opened.getpeercert(binary_form=True) or None if opened is not None else None

    def prove(self) -> None:
        """Note that the client has proved its purpose, so that a full listener closes others first."""
        self.slot.prove()

    # --- the end

    async def linger(self) -> None:
        """Announce that nothing more will be sent, and discard input for a while.

        With unread input the kernel would reset the connection, and the client would lose replies that it has not read.
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
        """Send the remaining output and close; after a while the connection is aborted."""
        if self._transport is not None:
            if not self.is_lost:
                self.abort_within(self._limits.close_seconds)
            self._transport.close()

    def hang_up(self) -> None:
        """Ignore all further input."""
        self.is_over = True
        self._wake()

    def abort(self) -> None:
        """Close at once."""
        self.is_over = True
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def abort_within(self, seconds: float) -> None:
        """Close at once after this time, whatever happens then."""
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
        """Wait until something happens, at the latest until that time. Raises TimeoutError when the time has come."""
        if end - self._loop.time() < _GRAIN:
            raise TimeoutError
        self._due = end
        if self._timer is None or self._armed > end + _GRAIN:
            self._arm(end)
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _arm(self, end: float) -> None:
        """Use one timer for many waits: when it fires too early for the present wait, it is set again."""
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
