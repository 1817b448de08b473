"""Listens for ManageSieve, in clear until STARTTLS (RFC 5804)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from services.access.endpoints.listener import MANAGESIEVE, SessionListener
from services.access.endpoints.managesieve_connection import ManageSieveConnection
from services.access.session.backend import ManageSieveDependencies
from shared.network.connection_table import ConnectionLimits
from shared.network.wire import Wire
from shared.protocol.managesieve import response
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host


class ManageSieveListener:
    """The listener of ManageSieve."""

    def __init__(self, host: Host, dependencies: ManageSieveDependencies) -> None:
        self._dependencies = dependencies
        self._tls: ssl.SSLContext | None = None
        limits, settings = dependencies.limits, dependencies.log_ins.settings
        table = ConnectionLimits(limits.max_connections, limits.max_connections_per_address, settings.max_handshakes)
        refusal = response.bye("Too many connections", b"TRYLATER")
        self._listener = SessionListener(host, MANAGESIEVE, table, settings.write_timeout, self._made, refusal)

    async def start(self, tls: ssl.SSLContext) -> None:
        """Begin to listen; `tls` is for STARTTLS. Raises OSError when an address cannot be bound."""
        self._tls = tls
        await self._listener.start()

    async def stop(self) -> None:
        """Take no new connections, and send BYE to the others."""
        await self._listener.stop()

    def report(self) -> list[owner_pb2.Listener]:
        """The report of the listener."""
        return self._listener.report()

    def counts(self) -> Mapping[str, int]:
        """Its connections, and those that are logged in."""
        return {
            "managesieve_connections": len(self._listener),
            "managesieve_sessions": self._dependencies.log_ins.admission.sessions,
        }

    def _made(self, wire: Wire) -> ManageSieveConnection:
        assert self._tls is not None
        return ManageSieveConnection(self._dependencies, wire, self._tls)
