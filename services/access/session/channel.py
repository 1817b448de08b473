"""The frames and bytes of one connection: reading, collected writing, and fairness between connections."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

from services.access.session.compression import INFLATED_AT_ONCE, Compression
from shared.clock import Clock
from shared.network.wire import Wire
from shared.protocol.imap.error import ImapSyntaxError
from shared.protocol.imap.frame_event import CommandReceived, FrameEvent
from shared.protocol.imap.framing import CommandFramer
from shared.turns import Turns

SPILL_BYTES = 65_536
"""Octets of output that are collected before they are sent in the middle of an answer."""
_A_COMMAND = 200
"""The cost of any command, in keys compared."""
_READING, _MAKING = 20, 12
"""The cost of reading an octet of a command and of making an octet of a long answer, in octets sent."""
_DEFLATING = 16
"""The cost of compressing an octet, in octets sent."""
_LAST_SECONDS = 3.0
"""Seconds that an expelled session has to end its running command."""


Silence = Callable[[], float]
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


def within(clock: Clock, seconds: float) -> Silence:
    """Patience with a client that must have done something within so many seconds from now."""
    end = clock.monotonic() + seconds
    return lambda: end - clock.monotonic()


class Framer(Protocol[E_co]):
    """Divides the octets of a client into the frames of a protocol."""

    def feed(self, data: bytes) -> None:
        """Add received octets."""

    def next(self) -> E_co | None:
        """The next frame, or None when more octets are needed."""


class SessionEnded(Exception):
    """The session ends, because the client has disconnected or the server ends it.

    `farewell` is the text of a BYE; it is empty when no client would read it.
    """

    def __init__(self, farewell: str = "") -> None:
        super().__init__(farewell)
        self.farewell = farewell


class SessionChannel(Generic[E]):
    """The input and output of a session. Output is collected and written when the session must wait."""

    def __init__(self, wire: Wire, framer: Framer[E], silence: Silence, turns: Turns) -> None:
        self._wire = wire
        self._turns = turns
        self._out: list[bytes] = []
        self._held = 0
        self._is_between = True
        """Whether the octets so far end with a response."""
        self.framer = framer
        self.silence = silence
        """The seconds for which the client may still be silent."""
        self.rung = False
        """Whether `event_or_ring` last returned because of a ring."""
        self.leaving = ""
        """The reason why the server ends the session; empty while it does not."""
        self._expelled = False

    def write(self, data: bytes) -> None:
        """Collect output."""
        if data:
            self.write_part(data)
            self._is_between = data.endswith(b"\r\n")

    def write_part(self, data: bytes) -> None:
        """Collect output behind which the response goes on, although it may end like one: a part of a literal."""
        self._out.append(data)
        self._held += len(data)
        self._is_between = False

    async def spill(self) -> None:
        """Send the output when much has been collected; called between the pieces of a long answer."""
        if self._held >= SPILL_BYTES:
            await self._send()

    async def write_all(self, pieces: Iterable[bytes]) -> None:
        """Collect a long answer piece by piece; other sessions are served between the pieces."""
        for piece in pieces:
            self.write_part(piece)
            await self.spill()
            await self._turns.spend(octets=_MAKING * len(piece))
        self._is_between = True

    async def flush(self) -> None:
        """Send all collected output, so that the client can read it."""
        await self._send()

    async def _send(self) -> None:
        """Send the collected output; more may follow at once."""
        if self._out:
            await self._wire.send(self._collected())

    def _collected(self) -> bytes:
        data = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        self._held = 0
        return data

    async def event(self) -> E:
        """The next frame. Raises SessionEnded, TimeoutError."""
        while True:
            silence = self.silence()
            if silence <= 0:  # also for a client that always has something to say
                raise TimeoutError
            event = self._next_frame()
            if event is not None:
                return await self.counted(event)
            await self._more(silence)

    async def counted(self, event: E) -> E:
        """The frame, whose cost is counted: a client that pipelines hundreds of commands must not block others."""
        await self._turns.spend(keys=_A_COMMAND, octets=_READING * self._size(event))
        return event

    async def event_or_ring(self, seconds: float) -> E | None:
        """The next frame, or None after a ring or after `seconds`. Raises SessionEnded."""
        self.rung = False
        while (event := self._next_frame()) is None and not self.rung:
            try:
                self.rung = await self._more(seconds)
            except TimeoutError:
                return None
        return event

    def ring(self) -> None:
        """Wake the session, because there is something to report."""
        self._wire.ring()

    def client_certificate(self) -> bytes | None:
        """The verified certificate in DER that the client has shown; None without one."""
        return self._wire.client_certificate()

    def prove(self) -> None:
        """Note that the client has logged in."""
        self._wire.prove()

    def leave(self, reason: str) -> None:
        """End the session at its next wait."""
        self.leaving = reason
        self._wire.ring()

    def expel(self, reason: str) -> None:
        """End the session before its next command; it may do nothing more."""
        self._expelled = True
        self.leave(reason)
        self._wire.abort_within(_LAST_SECONDS)

    def _size(self, event: E) -> int:
        """The octets of the frame that were read for it alone."""
        return 0

    def _next_frame(self) -> E | None:
        if self._expelled:
            raise SessionEnded(self.leaving)
        return self.framer.next()

    def _take(self) -> bytes:
        """The octets of the client that were received."""
        return self._wire.take()

    async def _more(self, seconds: float) -> bool:
        """Feed the received bytes to the framer, or wait for some; returns True after a ring."""
        data = self._take()
        if data:
            self.framer.feed(data)
            return False
        if self._wire.is_over or self.leaving:
            raise SessionEnded(self.leaving)
        await self.flush()
        rung = await self._wire.wait(seconds)
        if self.leaving:
            raise SessionEnded(self.leaving)
        return rung


class ImapChannel(SessionChannel[FrameEvent]):
    """The input and output of an IMAP session."""

    framer: CommandFramer
    _compression: Compression | None = None

    @property
    def is_compressed(self) -> bool:
        """Whether COMPRESS is active."""
        return self._compression is not None

    def drop_input(self) -> bool:
        """Drop what was received behind the present command; returns whether there was anything."""
        return bool(self.framer.take_rest() + self._wire.take())

    async def begin_tls(self, context: ssl.SSLContext, seconds: float) -> None:
        """Send the output in the clear, then do the handshake. Raises SessionEnded."""
        await self.flush()
        if self.drop_input() or await self._wire.start_tls(context, seconds) is None:
            raise SessionEnded
        self.framer = CommandFramer(self.framer.limits)

    def interject(self, line: bytes) -> None:
        """Send a response at once, without waiting, if it would not be in the middle of another."""
        if self._is_between and not self._wire.is_choked:
            data = self._collected() + line
            self._wire.write(
                data if self._compression is None else self._compression.deflated(data) + self._compression.flushed()
            )

    async def begin_compression(self) -> None:
        """Send the output as it is; from then on both directions are compressed (RFC 4978 §3)."""
        await self.flush()
        self._compression = Compression(self.framer.take_rest())

    async def flush(self) -> None:
        await self._send()
        if self._compression is not None and (last := self._compression.flushed()):
            await self._wire.send(last)

    async def _send(self) -> None:
        if self._compression is None:
            await super()._send()
            return
        data = self._collected() if self._out else b""
        ends, self._is_between = self._is_between, False
        for start in range(0, len(data), SPILL_BYTES):
            octets = self._compression.deflated(data[start : start + SPILL_BYTES])
            await self._turns.spend(octets=_DEFLATING * SPILL_BYTES)
            if octets:
                await self._wire.send(octets)
        self._is_between = ends

    def _take(self) -> bytes:
        if self._compression is None:
            return super()._take()
        try:
            return self._compression.inflated(super()._take)
        except ImapSyntaxError as error:
            raise SessionEnded(error.text) from error

    async def _more(self, seconds: float) -> bool:
        if self._compression is not None:
            await self._turns.spend(octets=INFLATED_AT_ONCE)  # little input can be much to inflate
            if self._compression.is_over:
                raise SessionEnded
        return await super()._more(seconds)

    def _size(self, event: FrameEvent) -> int:
        return len(event.data) if isinstance(event, CommandReceived) else 0
