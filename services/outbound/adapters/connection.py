"""One SMTP connection to another server: moves octets between its wire and its session."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable

from services.outbound.adapters.tls_faults import TlsFault, fault_of
from services.outbound.adapters.wire import ClientWire, WireBroken
from services.outbound.domain.next_hop import HopAddress
from services.outbound.domain.tls_demand import TlsDemand
from shared.protocol.message.outgoing.message import PeerForms
from shared.protocol.smtp.client.events import (
    BodyNeeded,
    ClientEvent,
    Ready,
    SessionClosed,
    SessionFailed,
    TlsNeeded,
    TransactionDone,
)
from shared.protocol.smtp.client.session import ClientSession
from shared.protocol.smtp.client.timeouts import Stage
from shared.protocol.smtp.client.transaction import OutgoingTransaction
from shared.tls.handshake import describe

_BLOCK_SECONDS = 180.0
Pieces = Callable[[], Iterable[bytes]]
Verify = Callable[[ssl.SSLObject], TlsFault | None]
"""Why the certificate of a finished handshake is not accepted; None when it is."""


class OutgoingConnection:
    """A connection and its session. It is used by one attempt at a time."""

    def __init__(self, wire: ClientWire, session: ClientSession, address: HopAddress, demand: TlsDemand) -> None:
        self._wire = wire
        self._session = session
        self.address = address
        self.demand = demand
        self.tls = ""
        """Version and cipher; empty in the clear."""
        self.authenticated_by = ""
        """How the certificate was verified; empty when it was not."""
        self.tls_fault: TlsFault | None = None
        self.ready: Ready | None = None
        self.mails = 0
        """Mails that were sent over it."""
        self._loop = asyncio.get_running_loop()
        self._wait_number, self._deadline = -1, 0.0

    @property
    def transcript(self) -> tuple[str, ...]:
        """The lines of the session."""
        return tuple(f"{line.speaker.value}: {line.text}" for line in self._session.transcript)

    @property
    def is_reusable(self) -> bool:
        """Whether another mail can be sent over it."""
        return self._session.is_reusable and self._wire.is_open

    @property
    def forms(self) -> PeerForms:
        """The forms of a message that the server takes. Long lines that cannot be encoded leave as they are."""
        offered = self._session.capabilities
        return PeerForms(offered.eight_bit, offered.binary and offered.chunking, offered.smtputf8, long_lines=True)

    async def open(self, context: ssl.SSLContext, verify: Verify) -> SessionFailed | None:
        """Greet, encrypt and log in; returns why the session is not ready."""
        if self.demand.is_implicit:
            await self._start_tls(context, verify)
        while True:
            match await self._next_event():
                case TlsNeeded():
                    await self._start_tls(context, verify)
                case Ready() as ready:
                    self.ready = ready
                    return None
                case SessionFailed() as failed:
                    return failed
                case _:
                    continue

    async def transact(self, transaction: OutgoingTransaction, pieces: Pieces) -> TransactionDone | SessionFailed:
        """Send one mail to its recipients."""
        if self.mails:
            self._session.clear_transcript()
        self._session.send(transaction)
        self.mails += 1
        while True:
            match await self._next_event():
                case BodyNeeded():
                    await self._send_body(pieces())
                case TransactionDone() | SessionFailed() as end:
                    return end
                case _:
                    continue

    async def close(self) -> None:
        """Say QUIT where the session can, and close."""
        if self._session.is_idle and self._wire.is_open:
            self._session.quit()
            with contextlib.suppress(WireBroken, OSError):
                while not isinstance(await self._next_event(), SessionClosed | SessionFailed):
                    continue
        self._wire.close()

    def abort(self) -> None:
        """Close at once, without QUIT."""
        self._wire.abort()

    async def _next_event(self) -> ClientEvent:
        while True:
            output = self._session.output()
            if output:
                self._wire.write(output)
            event = self._session.next_event()
            if event is not None:
                return event
            await self._receive()

    async def _receive(self) -> None:
        """Wait for octets.

        The time of a wait goes on while its reply comes in pieces, so a server cannot extend it by sending slowly.
        """
        now = self._loop.time()
        if self._session.waits != self._wait_number:
            self._wait_number = self._session.waits
            self._deadline = now + (self._session.timeout or _BLOCK_SECONDS)
        try:
            data = await self._wire.read(max(0.0, self._deadline - now))
        except TimeoutError:
            self._session.time_out()
            return
        if data and self._session.stage is Stage.AUTH:  # a challenge of SCRAM costs up to 50 ms
            await asyncio.to_thread(self._session.receive, data)
        elif data:
            self._session.receive(data)
        else:
            self._session.end_of_input()

    async def _send_body(self, pieces: Iterable[bytes]) -> None:
        """Send the pieces. The last leaves together with the end of the message, so that a small mail is one write."""
        last = b""
        for piece in pieces:
            if last:
                if not await self._may_send():
                    return
                self._session.body(last)
                await self._flush()
                await asyncio.sleep(0)  # a fast connection takes each piece at once, and other work must run in between
            last = piece
        if await self._may_send():
            self._session.body(last)
            self._session.end_body()

    async def _may_send(self) -> bool:
        """Take replies until the session has room for a piece; False when it takes none any more."""
        while self._session.takes_body and (not self._session.body_room or self._wire.has_input):
            await self._receive()
        return self._session.takes_body

    async def _flush(self) -> None:
        """Write what the session has, and wait until the other side takes it."""
        self._wire.write(self._session.output())
        try:
            await self._wire.drain(self._session.timeout or _BLOCK_SECONDS)
        except TimeoutError:
            self._session.time_out()
        except WireBroken:
            self._session.end_of_input()

    async def _start_tls(self, context: ssl.SSLContext, verify: Verify) -> None:
        name = self.demand.names[0] if self.demand.names else self.address.host
        try:
            tls = await self._wire.start_tls(context, name.strip("[]"), self._session.timeout or _BLOCK_SECONDS)
        except (ssl.SSLError, OSError, TimeoutError, WireBroken, ValueError) as error:  # ValueError: no name for SNI
            self._refuse_tls(fault_of(error))
            return
        fault = verify(tls)
        if fault is not None:
            self._refuse_tls(fault)
            return
        handshake = describe(tls)
        self.tls = f"{handshake.version} {handshake.cipher}"
        self.authenticated_by = self.demand.authenticated_by if self.demand.is_verified else ""
        if not self.demand.is_implicit:
            self._session.tls_established()

    def _refuse_tls(self, fault: TlsFault) -> None:
        self.tls_fault = fault
        self._session.tls_failed(fault.text)

    @property
    def last_stage(self) -> str:
        """The stage of the session."""
        return self._session.stage.value
