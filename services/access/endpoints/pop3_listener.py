"""Listens for POP3: under TLS on 995 (RFC 8314), and where it is switched on in clear until STLS on 110 (RFC 2595)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

from services.access.endpoints.listener import STOP_SECONDS, SessionListener
from services.access.endpoints.pop3_connection import PopConnection
from services.access.pop3.dependencies import PopDependencies
from shared.network.acceptor import ListenerTls
from shared.network.connection_table import ConnectionLimits
from shared.network.listener import IMPLICIT_TLS, STARTTLS, ListenerKind
from shared.network.wire import Wire
from shared.protocol.pop3 import response
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host

POP3S = ListenerKind("pop3s", 995, IMPLICIT_TLS)  # RFC 8314 §3.3
POP3 = ListenerKind("pop3", 110, STARTTLS)  # RFC 2595 §4


class PopListener:
    """The listeners of POP3, which share the maildrops."""

    def __init__(self, host: Host, dependencies: PopDependencies) -> None:
        self._dependencies = dependencies
        self._tls: ssl.SSLContext | None = None
        limits, settings = dependencies.limits, dependencies.log_ins.settings
        table = ConnectionLimits(limits.max_connections, limits.max_connections_per_address, settings.max_handshakes)
        seconds = settings.write_timeout
        self._secure = SessionListener(
            host, POP3S, table, seconds, lambda wire: PopConnection(dependencies, wire, None)
        )
        refusal = response.error("Too many connections", "SYS/TEMP")
        self._clear = SessionListener(host, POP3, table, seconds, self._made, refusal) if limits.starttls else None

    async def start(self, tls: ssl.SSLContext) -> None:
        """Begin to listen. Raises OSError when an address cannot be bound."""
        self._tls = tls
        handshake = self._dependencies.log_ins.settings.handshake_timeout
        await self._secure.start(ListenerTls(tls, handshake, STOP_SECONDS))
        if self._clear is not None:
            await self._clear.start()

    async def stop(self) -> None:
        """Take no new connections, and end the others; nothing is removed from their maildrops."""
        await asyncio.gather(*(listener.stop() for listener in self._listeners()))

    def report(self) -> list[owner_pb2.Listener]:
        """The reports of the listeners."""
        return [line for listener in self._listeners() for line in listener.report()]

    def counts(self) -> Mapping[str, int]:
        """The connections, and those that are logged in."""
        return {
            "pop3_connections": sum(map(len, self._listeners())),
            "pop3_sessions": self._dependencies.log_ins.admission.sessions,
        }

    def _listeners(self) -> list[SessionListener]:
        return [self._secure, *([self._clear] if self._clear is not None else [])]

    def _made(self, wire: Wire) -> PopConnection:
        assert self._tls is not None
        return PopConnection(self._dependencies, wire, self._tls)
