"""Listens for clients of one protocol and runs a task for each connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from services.access.endpoints.served_connection import ServedConnection
from shared.background import spawn
from shared.network.acceptor import ListenerTls
from shared.network.connection_table import ConnectionLimits
from shared.network.listener import IMPLICIT_TLS, STARTTLS, Listener, ListenerKind
from shared.network.slot import Slot
from shared.network.wire import Wire, WireLimits
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host

log = structlog.get_logger("access")

IMAPS = ListenerKind("imaps", 993, IMPLICIT_TLS)  # RFC 8314
IMAP = ListenerKind("imap", 143, STARTTLS)  # RFC 3501 §6.2.1
MANAGESIEVE = ListenerKind("managesieve", 4190, STARTTLS)  # RFC 5804 §1.8
STOP_SECONDS = 3.0
_OUTPUT_OCTETS = 262_144


class SessionListener:
    """The listener of a protocol and the tasks of its connections, which `made` makes for their wires."""

    def __init__(
        self,
        host: Host,
        kind: ListenerKind,
        limits: ConnectionLimits,
        write_seconds: float,
        made: Callable[[Wire], ServedConnection],
        refusal: bytes = b"",
    ) -> None:
        self._made = made
        self._bind = host.server.bind
        self._configured_port = host.port(kind.port)
        self._running: set[asyncio.Task[None]] = set()
        share = host.descriptors.claim(kind.name, limits.total)
        self._listener = Listener(kind, limits, share, self._connect, refusal)
        self._limits = WireLimits(write_seconds, STOP_SECONDS, _OUTPUT_OCTETS)

    def __len__(self) -> int:
        """The number of open connections, including those in the TLS handshake."""
        return len(self._listener)

    @property
    def port(self) -> int:
        """The port in use: that of the first address when port 0 was requested."""
        return self._listener.port or self._configured_port

    async def start(self, tls: ListenerTls | None = None) -> None:
        """Begin to listen. Raises OSError when an address cannot be bound."""
        await self._listener.start(self._bind, self._configured_port, tls)
        protocol = self._listener.kind.name
        log.info("access.listening", protocol=protocol, addresses=list(self._bind), port=self.port)

    async def stop(self) -> None:
        """Take no new connections, send BYE to the others, and let running commands end for a moment."""
        await self._listener.stop(STOP_SECONDS)
        late = set(self._running)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def report(self) -> list[owner_pb2.Listener]:
        """The report of the listener."""
        return self._listener.report()

    def _connect(self, slot: Slot) -> Wire:
        return Wire(slot, self._limits, self._serve)

    def _serve(self, wire: Wire) -> None:
        connection = self._made(wire)
        wire.slot.occupant = connection
        task = spawn(connection.serve(), "access-connection")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
