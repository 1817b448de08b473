"""The listeners of the ingress."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from services.ingress.endpoints.connection import SmtpConnection
from services.ingress.endpoints.dependencies import Dependencies
from services.ingress.endpoints.session_config import future_release, session_config
from shared.background import spawn
from shared.ids import IdKind
from shared.network.acceptor import ListenerTls
from shared.network.connection_table import ConnectionLimits
from shared.network.listener import IMPLICIT_TLS, STARTTLS, Listener, ListenerKind
from shared.network.slot import Slot
from shared.network.wire import Wire, WireLimits
from shared.protocol.smtp import replies
from shared.protocol.smtp.config import Port
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host

_CLOSE_SECONDS = 20.0
"""Seconds for clients to take the last replies."""
KINDS: Mapping[ListenerKind, Port] = {
    ListenerKind("smtp", 25, STARTTLS): Port.RELAY,
    ListenerKind("submission", 587, STARTTLS): Port.SUBMISSION,
    ListenerKind("submissions", 465, IMPLICIT_TLS): Port.SUBMISSION,  # RFC 8314
}


class Listeners:
    """The listeners on 25, 587 and 465, on every address of `server.bind`."""

    def __init__(self, host: Host, dependencies: Dependencies) -> None:
        self._host = host
        self._dependencies = dependencies
        self.all = [self._listener(kind, purpose) for kind, purpose in KINDS.items()]

    async def start(self) -> None:
        """Open all of them. Raises OSError when a port is in use."""
        for listener in self.all:
            kind = listener.kind
            context, tls = self._dependencies.tls_of_users, None
            if kind.tls == IMPLICIT_TLS and context is not None:
                tls = ListenerTls(context, self._dependencies.settings.handshake_timeout, _CLOSE_SECONDS)
            await listener.start(self._host.server.bind, self._host.port(kind.port), tls)

    async def stop(self, grace: float) -> None:
        """Accept no new connections, finish messages that are being received, then close."""
        await asyncio.gather(*(listener.stop(grace) for listener in self.all))

    def report(self) -> Sequence[owner_pb2.Listener]:
        """The report of the listeners."""
        return [row for listener in self.all for row in listener.report()]

    def _listener(self, kind: ListenerKind, purpose: Port) -> Listener:
        dependencies, settings = self._dependencies, self._dependencies.settings
        limits = ConnectionLimits(
            settings.max_connections, settings.max_connections_per_address, settings.max_handshakes
        )
        wire_limits = WireLimits(settings.command_timeout, _CLOSE_SECONDS)
        is_implicit = kind.tls == IMPLICIT_TLS
        config = session_config(purpose, self._host.server.host, settings, implicit_tls=is_implicit)

        def connected(wire: Wire) -> None:
            offered = future_release(config, dependencies.waiting.longest, dependencies.clock.now())
            session_id = dependencies.ids.new(IdKind.SESSION)
            session = msgspec.structs.replace(config, session_id=session_id, future_release=offered)
            connection = wire.slot.occupant = SmtpConnection(dependencies, kind.name, session, wire)
            spawn(connection.serve(), "ingress-connection")

        def connect(slot: Slot) -> Wire:
            return Wire(slot, wire_limits, connected)

        share = self._host.descriptors.claim(kind.name, settings.max_connections)
        return Listener(kind, limits, share, connect, replies.too_many_connections().encode())
