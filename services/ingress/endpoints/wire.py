"""The transport of one connection: bytes, flow control, time-outs, TLS. It knows nothing of SMTP."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from services.ingress.settings import IngressSettings
from shared.network.slot import Slot
from shared.tls.facts import TlsHandshake, describe

_READ_AHEAD = 131072
"""Octets a client may pipeline before it is not read any more."""
LINGER_SECONDS = 20.0
"""Seconds for the last bytes to be taken."""
_DISCARD_SECONDS = 2.0
_DISCARD_OCTETS = 1024 * 1024


class Inbox(Protocol):
    """Where received bytes go: the session."""

    @property
    def buffered(self) -> int:
        """Octets received and not yet used."""

    def receive(self, data: bytes) -> None:
        """Bytes from the peer."""


class Wire(asyncio.Protocol):
    """Stands between the event loop, which calls back, and a connection, which waits. `connected(wire)` is called once
    there is a transport.
    """

    def __init__(self, settings: IngressSettings, slot: Slot, connected: Callable[[Wire], None]) -> None:
        self.slot = slot
        self._connected: Callable[[Wire], None] | None = connected
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._transport: asyncio.Transport | None = None
        self._inbox: Inbox | None = None
        self._early = bytearray()
        """Bytes that came before an inbox was attached: behind a handshake whose end is not known here yet."""
        self._waiter: asyncio.Future[None] | None = None
        self._waits = False
        self._is_choked = False
        self._is_paused = False
        self._discarded: int | None = None
        """Octets that came behind the end of the session, once it has ended."""
        self._heard = self._progress = self._loop.time()
        self._fresh = False
        self._timer: asyncio.TimerHandle | None = None
        self._transfer_began: float | None = None
        self.is_over = False
        """Nothing more will come: the peer closed, or was silent for too long."""
        self.is_lost = False
        """Nothing more can be sent either."""
        self.timed_out = False

    # --- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._connected is None:  # STARTTLS: the same connection under TLS
            return
        self._timer = self._loop.call_later(self._tick, self._check)
        connected, self._connected = self._connected, None
        connected(self)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        self._fresh = True
        if self._discarded is not None:
            self._discarded += len(data)
        elif self._inbox is None:
            self._early += data
        else:
            self._inbox.receive(data)
            if self._inbox.buffered > _READ_AHEAD:
                self._pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        return self.tls_facts() is None  # half-closed, the answers still find their way; TLS knows no such state

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over = self.is_lost = True
        self._is_choked = False
        if self._timer is not None:
            self._timer.cancel()
        self.slot.leave()
        self._wake()

    def pause_writing(self) -> None:
        self._is_choked = True

    def resume_writing(self) -> None:
        self._is_choked = False
        self._wake()

    # --- called by the connection

    def attach(self, inbox: Inbox) -> None:
        """Received bytes go there, those included that are here already."""
        self._inbox = inbox
        if self._early:
            inbox.receive(bytes(self._early))
            self._early.clear()

    async def more(self) -> bool:
        """Wait for more bytes; False when none will come."""
        self._resume_reading()
        while not self._fresh and not self.is_over:
            await self._wait()
        was_fresh, self._fresh = self._fresh, False
        return was_fresh or not self.is_over

    def write(self, data: bytes | bytearray) -> None:
        """Send."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(bytes(data))

    async def drained(self) -> None:
        """Wait while the peer does not take what was sent."""
        while self._is_choked and not self.is_over:
            await self._wait()

    async def pause(self, seconds: float) -> None:
        """Let the peer wait. It is not read meanwhile: what it sends on stays in its own memory."""
        self._pause_reading()
        end = self._loop.time() + seconds
        while not self.is_lost and await self._woken_before(end):
            pass

    def progressed(self) -> None:
        """A command was carried out: the time for the next one begins."""
        self._progress = self._loop.time()

    def transfer(self, *, under_way: bool) -> None:
        """A message begins to come in, or has come."""
        self._transfer_began = self._loop.time() if under_way else None

    async def start_tls(self, context: ssl.SSLContext) -> TlsHandshake | None:
        """The server's side of the handshake; None when it failed, and the connection with it. Then `attach` again."""
        assert self._transport is not None
        self._inbox, self._fresh = None, False
        self.slot.begin_handshake()
        try:
            upgraded = await self._loop.start_tls(
                self._transport, self, context, server_side=True, ssl_handshake_timeout=self._settings.handshake_timeout
            )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            upgraded = None
        if upgraded is None:
            self.is_over = self.is_lost = True
            self.slot.leave()  # a handshake that fails never tells that the connection is lost
            return None
        self.slot.end_handshake()
        self._transport = upgraded
        return self.tls_facts()

    def tls_facts(self) -> TlsHandshake | None:
        """What TLS came to; None without it."""
        found = self._transport.get_extra_info("ssl_object") if self._transport else None
        return describe(found) if found is not None else None

    def peer(self) -> tuple[str, int]:
        """Address and port of the client; an IPv4-mapped address is the IPv4 address."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return self.slot.address, int(name[1]) if name else 0

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
        while not self.is_over and self._discarded < _DISCARD_OCTETS and await self._woken_before(end):
            pass

    def close(self) -> None:
        """Send what is left and close; a peer that does not take it is cut off after a while."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None and not self.is_lost:
            self._timer = self._loop.call_later(LINGER_SECONDS, self._transport.abort)
        if self._transport is not None:
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

    def _pause_reading(self) -> None:
        if not self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    # --- time-outs

    @property
    def _tick(self) -> float:
        return min(self._settings.command_timeout, self._settings.data_timeout, 60.0)

    def _check(self) -> None:
        self._timer = self._loop.call_later(self._tick, self._check)
        if self._waits and self._loop.time() >= self._deadline:
            self.timed_out = self.is_over = True
            if self._is_choked:
                self.abort()
            self._wake()

    @property
    def _deadline(self) -> float:
        if self._transfer_began is None:
            return self._progress + self._settings.command_timeout  # for the whole command, octet by octet or at once
        return min(self._heard + self._settings.data_timeout, self._transfer_began + self._settings.transfer_timeout)

    async def _wait(self) -> None:
        """Wait for the peer, whose time is limited."""
        self._waits = True
        try:
            await self._woken()
        finally:
            self._waits = False

    async def _woken_before(self, end: float) -> bool:
        """Wait until something happens; False at the end of the time."""
        rest = end - self._loop.time()
        if rest <= 0:
            return False
        timer = self._loop.call_later(rest, self._wake)
        await self._woken()
        timer.cancel()
        return True

    async def _woken(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
