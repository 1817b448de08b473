"""Listens for IMAP in clear until STARTTLS, where the operator has switched it on (RFC 3501 §6.2.1)."""

from __future__ import annotations

import ssl

from services.access.endpoints.connection import ImapConnection
from services.access.endpoints.listener import IMAP, SessionListener
from services.access.session.backend import ImapDependencies
from shared.network.connection_table import ConnectionLimits
from shared.network.wire import Wire
from shared.protocol.imap import response
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host


class ImapListener:
    """The listener of port 143."""

    def __init__(self, host: Host, dependencies: ImapDependencies, limits: ConnectionLimits) -> None:
        self._dependencies = dependencies
        self._tls: ssl.SSLContext | None = None
        refusal = response.bye("Too many connections")
        self._listener = SessionListener(host, IMAP, limits, dependencies.settings.write_timeout, self._made, refusal)

    def __len__(self) -> int:
        """The number of open connections."""
        return len(self._listener)

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

    def _made(self, wire: Wire) -> ImapConnection:
        assert self._tls is not None
        return ImapConnection(self._dependencies, wire, self._tls)
