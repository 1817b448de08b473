"""One listener: the sockets of a protocol, its limits, and its connections from the moment they are accepted."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence

import msgspec
import structlog

from shared.network.acceptor import Acceptor, Connect, ListenerTls, PlainAcceptor, TlsAcceptor
from shared.network.binding import bind, close_all
from shared.network.connection_table import ConnectionLimits, ConnectionRefusal, ConnectionTable
from shared.network.descriptors import Share
from shared.network.slot import Slot
from shared.rpc.mailfold.owner.v1 import owner_pb2

log = structlog.get_logger("network")
NO_TLS, STARTTLS, IMPLICIT_TLS = "none", "starttls", "implicit"
_POLITE_REFUSALS = 16
"""Refusals with a text at once. Each needs a descriptor of the reserve until the client has read the text."""
_LOG_SECONDS = 60.0


class ListenerKind(msgspec.Struct, frozen=True):
    """The protocol of a port. `tls` is one of the constants of this module."""

    name: str
    port: int
    """The well-known port."""
    tls: str


class Listener:
    """The sockets of one protocol, on all its addresses.

    In a flood, `refusal` is sent to a plain connection that is not accepted.
    """

    def __init__(
        self, kind: ListenerKind, limits: ConnectionLimits, share: Share, connect: Connect, refusal: bytes = b""
    ) -> None:
        self.kind = kind
        self._share = share
        self._connect = connect
        self._refusal = refusal
        self._table: ConnectionTable[Slot] = ConnectionTable(limits)
        self._refusing: set[Slot] = set()
        self._sockets: list[socket.socket] = []
        self._acceptor: Acceptor | None = None
        self.port = 0
        """The port in use: that of the first address when port 0 was requested."""
        self._addresses: Sequence[str] = ()
        self._refused = self._displaced = 0
        self._logged = float("-inf")
        self.emptied = asyncio.Event()
        """Set while there is no connection."""
        self.emptied.set()

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[Slot]:
        yield from self._table
        yield from list(self._refusing)

    async def start(self, addresses: Sequence[str], port: int, tls: ListenerTls | None = None) -> None:
        """Begin to listen. Raises OSError when an address is in use."""
        self._addresses = addresses
        try:
            for address in addresses:
                self._sockets += bind(address, port)
        except OSError:
            close_all(self._sockets)
            raise
        if tls is None:
            self._acceptor = PlainAcceptor(self._admit, self._connect, self._refusal)
        else:
            self._acceptor = TlsAcceptor(self._admit, self._connect, tls)
        await self._acceptor.start(self._sockets)
        self.port = int(self._sockets[0].getsockname()[1])

    async def stop(self, grace: float) -> None:
        """Accept no more, ask the connections to end, and abort the remaining ones after `grace` seconds."""
        if self._acceptor is not None:
            self._acceptor.stop()
        for slot in self:
            slot.dismiss()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.emptied.wait()
        for slot in self:
            slot.abort()

    def report(self) -> list[owner_pb2.Listener]:
        """The report, with a row for each address; all numbers are those of the whole listener."""
        return [
            owner_pb2.Listener(
                protocol=self.kind.name,
                address=address,
                port=self.port,
                tls=self.kind.tls,
                connections=len(self),
                room=self._share.room,
                promised=self._share.promised,
                refused=self._refused,
                displaced=self._displaced,
            )
            for address in self._addresses
        ]

    # --- called by slots

    def displace(self, slot: Slot) -> None:
        """Close a connection that was removed from the table."""
        self._displaced += 1
        self._log("network.displaced")
        slot.abort()

    def left(self, slot: Slot) -> None:
        """Note that a connection is closed."""
        self._refusing.discard(slot)
        if not self._table and not self._refusing:
            self.emptied.set()

    # --- called by the acceptor

    def _admit(self, address: str) -> Slot | None:
        slot = Slot(self, self._table, address)
        entry = self._table.enter(slot, address, self._share.room, asyncio.get_running_loop().time())
        if entry.displaced is not None:
            self.displace(entry.displaced)
        if entry.refusal is not None and not self._may_be_answered(slot, entry.refusal):
            return None
        self.emptied.clear()
        return slot

    def _may_be_answered(self, slot: Slot, refusal: ConnectionRefusal) -> bool:
        """Whether a refused connection is told the reason by its protocol, which is not done in a flood."""
        self._refused += 1
        self._log("network.refused", reason=refusal.value)
        if len(self._refusing) >= _POLITE_REFUSALS:
            return False
        slot.refusal = refusal
        self._refusing.add(slot)
        return True

    def _log(self, event: str, **fields: str) -> None:
        """Log an event; a flood is logged once a minute."""
        now = asyncio.get_running_loop().time()
        if now - self._logged >= _LOG_SECONDS:
            self._logged = now
            log.warning(
                event,
                listener=self.kind.name,
                connections=len(self),
                room=self._share.room,
                refused=self._refused,
                displaced=self._displaced,
                **fields,
            )
