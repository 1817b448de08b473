"""One listener: it accepts, counts, and makes connections. A connection has its slot before TLS begins.

asyncio's own servers do not tell of connections whose handshake has not ended, so nobody could count them: here the
socket is accepted first, and becomes a connection when there is a slot for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from shared.background import spawn
from shared.network.address import plain_address
from shared.network.binding import bind, close_all
from shared.network.connection_table import ConnectionLimits, ConnectionRefusal, ConnectionTable
from shared.network.descriptors import Share
from shared.network.slot import Slot
from shared.rpc.mailfold.owner.v1 import owner_pb2

log = structlog.get_logger("network")
NO_TLS, STARTTLS, IMPLICIT_TLS = "none", "starttls", "implicit"
_ACCEPTS_A_TURN = 64
"""The others of this process get their turn in a flood."""
_PAUSE_SECONDS = 0.5
"""After an accept that failed: without descriptors it fails again at once."""
_POLITE_REFUSALS = 16
"""At once; they cost a descriptor of the reserve each, until the client has read the words."""
_LOG_SECONDS = 60.0

Connect = Callable[[Slot], asyncio.Protocol]
"""The protocol of a new connection, when its TLS is up. It calls `slot.leave()` when the connection is lost."""


class ListenerKind(msgspec.Struct, frozen=True):
    """The protocol of a port. `tls` is one of the constants of this module."""

    name: str
    port: int
    """Well-known."""
    tls: str


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """TLS from the first octet on. The handshake, and the end with all that is still to be sent, may take so long."""

    context: ssl.SSLContext
    handshake_seconds: float
    shutdown_seconds: float


class Listener:
    """The sockets of one protocol, on all its addresses. `refusal` is what a plain connection reads that is not taken
    in a flood.
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
        self._addresses: Sequence[str] = ()
        self._tls: ListenerTls | None = None
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

    @property
    def port(self) -> int:
        """The port in use (of the first address, when 0 was asked for)."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets else 0

    def start(self, addresses: Sequence[str], port: int, tls: ListenerTls | None = None) -> None:
        """Listen. Raises OSError when an address is taken."""
        self._addresses, self._tls = addresses, tls
        try:
            for address in addresses:
                self._sockets += bind(address, port)
        except OSError:
            close_all(self._sockets)
            raise
        for listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    async def stop(self, grace: float) -> None:
        """Take no more; dismiss the connections, and abort those that are still there after so many seconds."""
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
        close_all(self._sockets)
        self._sockets = []
        for slot in self:
            slot.dismiss()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.emptied.wait()
        for slot in self:
            slot.abort()

    def report(self) -> list[owner_pb2.Listener]:
        """A row for each address; all numbers are of the whole listener."""
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
        """Close a connection that has left the table."""
        self._displaced += 1
        self._log("network.displaced")
        slot.abort()

    def left(self, slot: Slot) -> None:
        """A connection is closed."""
        self._refusing.discard(slot)
        if not self._table and not self._refusing:
            self.emptied.set()

    # --- accepting

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_ACCEPTS_A_TURN):
            try:
                accepted, address = listening.accept()
            except ConnectionAbortedError:
                continue
            except BlockingIOError:
                return
            except OSError as error:
                self._pause(listening, error)
                return
            self._take(accepted, plain_address(str(address[0])))

    def _pause(self, listening: socket.socket, error: OSError) -> None:
        log.error("network.accept_failed", listener=self.kind.name, error=str(error))
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_PAUSE_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _take(self, accepted: socket.socket, address: str) -> None:
        slot = Slot(self, self._table, address)
        entry = self._table.enter(slot, address, self._share.room, asyncio.get_running_loop().time())
        if entry.displaced is not None:
            self.displace(entry.displaced)
        if entry.refusal is not None and not self._refuse(slot, accepted, entry.refusal):
            return
        self.emptied.clear()
        spawn(self._make(slot, accepted), "network-connection")

    def _refuse(self, slot: Slot, accepted: socket.socket, refusal: ConnectionRefusal) -> bool:
        """Whether the protocol is to say it; in a flood the connection is closed instead."""
        self._refused += 1
        self._log("network.refused", reason=refusal.value)
        if len(self._refusing) < _POLITE_REFUSALS:
            slot.refusal = refusal
            self._refusing.add(slot)
            return True
        with contextlib.suppress(OSError):
            if self._tls is None:
                accepted.send(self._refusal)
        accepted.close()
        return False

    async def _make(self, slot: Slot, accepted: socket.socket) -> None:
        """From the accepted socket to a connection that its protocol has."""
        if self._tls is not None:
            slot.begin_handshake()
        if slot.is_aborted:  # before this task began, or for an older handshake
            accepted.close()
            slot.leave()
            return
        slot.task = asyncio.current_task()
        accepted.setblocking(False)
        try:
            await self._connected(slot, accepted)
            slot.end_handshake()
        except OSError:  # ssl.SSLError is one, and so is the end of the handshake's time
            slot.leave()
        except BaseException:
            slot.leave()
            raise

    async def _connected(self, slot: Slot, accepted: socket.socket) -> None:
        """Raises OSError when the handshake fails."""
        connect = asyncio.get_running_loop().connect_accepted_socket
        if self._tls is None:
            await connect(lambda: self._connect(slot), accepted)
        else:
            await connect(
                lambda: self._connect(slot),
                accepted,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._tls.handshake_seconds,
                ssl_shutdown_timeout=self._tls.shutdown_seconds,
            )

    def _log(self, event: str, **fields: str) -> None:
        """A flood is one line a minute."""
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
