"""Listens for IMAP over TLS (RFC 8314) and runs a task for each connection."""

from __future__ import annotations

import asyncio
import ssl

import structlog

from services.access.endpoints.connection import ImapConnection
from services.access.session.backend import ImapDependencies
from shared.background import spawn
from shared.network.acceptor import ListenerTls
from shared.network.connection_table import ConnectionLimits
from shared.network.listener import IMPLICIT_TLS, Listener, ListenerKind
from shared.network.slot import Slot
from shared.network.wire import Wire, WireLimits
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host

log = structlog.get_logger("access")

IMAPS = ListenerKind("imaps", 993, IMPLICIT_TLS)
_STOP_SECONDS = 3.0
_OUTPUT_OCTETS = 262_144


class ImapListener:
    """The IMAP listener and the tasks of its connections."""

    def __init__(self, host: Host, backend: ImapDependencies) -> None:
        self._backend = backend
        self._bind = host.server.bind
        self._configured_port = host.port(IMAPS.port)
        self._running: set[asyncio.Task[None]] = set()
        settings = backend.settings
        limits = ConnectionLimits(
            settings.max_connections, settings.max_connections_per_address, settings.max_handshakes
        )
        share = host.descriptors.claim(IMAPS.name, settings.max_connections)
        self._listener = Listener(IMAPS, limits, share, self._connect)
        self._limits = WireLimits(settings.write_timeout, _STOP_SECONDS, _OUTPUT_OCTETS)

    def __len__(self) -> int:
        """The number of open connections, including those in the TLS handshake."""
        return len(self._listener)

    @property
    def port(self) -> int:
        """The port in use: that of the first address when port 0 was requested."""
        return self._listener.port or self._configured_port

    async def start(self, tls: ssl.SSLContext) -> None:
        """Begin to listen. Raises OSError when an address cannot be bound."""
        listener_tls = ListenerTls(tls, self._backend.settings.handshake_timeout, _STOP_SECONDS)
        await self._listener.start(self._bind, self._configured_port, listener_tls)
        log.info("access.listening", addresses=list(self._bind), port=self.port)

    async def stop(self) -> None:
        """Take no new connections, send BYE to the others, and let running commands end for a moment."""
        await self._listener.stop(_STOP_SECONDS)
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
        connection = ImapConnection(self._backend, wire)
        wire.slot.occupant = connection
        task = spawn(connection.serve(), "access-connection")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
