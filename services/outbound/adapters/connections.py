"""The open connections of the process: made for a mail, used again for the next, closed when idle.

A connection is used again only for the same address, the same demand on TLS and the same log-in, so that mail never
leaves over a connection that proved less than the mail asks for.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections import OrderedDict, deque
from collections.abc import Callable

import msgspec

from services.outbound.adapters.connection import OutgoingConnection
from services.outbound.adapters.tls_faults import TlsFault, result_of_failure
from services.outbound.adapters.wire import connect
from services.outbound.domain.next_hop import HopAddress
from services.outbound.domain.tls_demand import TlsDemand, TlsLevel
from shared.background import spawn
from shared.protocol.sasl.client.credentials import ClientCredentials
from shared.protocol.smtp.client.events import SessionFailed
from shared.protocol.smtp.client.options import SessionOptions, TlsMode
from shared.protocol.smtp.client.session import ClientSession
from shared.protocol.smtp.client.timeouts import Timeouts

_MODES = {
    TlsLevel.NEVER: TlsMode.NEVER,
    TlsLevel.OPPORTUNISTIC: TlsMode.OPPORTUNISTIC,
    TlsLevel.ENCRYPTED: TlsMode.REQUIRED,
    TlsLevel.VERIFIED: TlsMode.REQUIRED,
}


class ConnectionKey(msgspec.Struct, frozen=True):
    """What must be equal for a connection to be used again."""

    address: str
    port: int
    demand: TlsDemand
    login: str = ""


class ConnectionSettings(msgspec.Struct, frozen=True):
    """Limits of connections."""

    hello_name: str
    connect_seconds: float
    idle_seconds: float
    mails_per_connection: int
    handshake_seconds: float = 60.0
    most_idle: int = 200


class TlsContexts(msgspec.Struct, frozen=True):
    """The contexts of TLS clients, and how a finished handshake is verified beyond them."""

    of: Callable[[TlsDemand], ssl.SSLContext]
    verify: Callable[[TlsDemand, ssl.SSLObject], TlsFault | None]
    """Why a certificate is not accepted; None when it is."""


class NotOpened(msgspec.Struct, frozen=True):
    """A session that failed before MAIL, and how its TLS is counted."""

    failed: SessionFailed
    tls_result: str = ""
    tls: str = ""
    """Version and cipher, when the session failed after the handshake."""
    authenticated_by: str = ""
    transcript: tuple[str, ...] = ()


class Connections:
    """Opens connections and keeps idle ones."""

    def __init__(self, settings: ConnectionSettings, contexts: TlsContexts) -> None:
        self._settings = settings
        self._contexts = contexts
        self._idle: OrderedDict[ConnectionKey, deque[OutgoingConnection]] = OrderedDict()
        self._count = 0
        self._timers: dict[OutgoingConnection, asyncio.TimerHandle] = {}

    def idle(self, key: ConnectionKey) -> OutgoingConnection | None:
        """An idle connection that can be used again; None without one."""
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            self._forget(key, connection)
            if connection.is_reusable:
                return connection
            connection.abort()
        return None

    async def open(
        self, key: ConnectionKey, address: HopAddress, credentials: ClientCredentials | None
    ) -> OutgoingConnection | NotOpened:
        """A new connection that is greeted, encrypted and logged in, or why its session failed.

        Raises OSError and TimeoutError when the address takes no connection.
        """
        wire = await connect(key.address, key.port, self._settings.connect_seconds)
        mode = TlsMode.ACTIVE if key.demand.is_implicit else _MODES[key.demand.level]
        if credentials is not None:  # SCRAM needs a nonce of its own in each session
            credentials = msgspec.structs.replace(credentials, scram_nonce=secrets.token_urlsafe(18))
        timeouts = Timeouts(handshake=self._settings.handshake_seconds)
        options = SessionOptions(
            hello_name=self._settings.hello_name, tls=mode, credentials=credentials, timeouts=timeouts
        )
        connection = OutgoingConnection(wire, ClientSession(options), address, key.demand)
        try:
            failed = await connection.open(
                self._contexts.of(key.demand), lambda tls: self._contexts.verify(key.demand, tls)
            )
        except BaseException:
            connection.abort()
            raise
        if failed is None:
            return connection
        await connection.close()
        return NotOpened(
            failed,
            result_of_failure(key.demand, failed.cause, connection.tls_fault),
            connection.tls,
            connection.authenticated_by,
            connection.transcript,
        )

    def give_back(self, key: ConnectionKey, connection: OutgoingConnection) -> None:
        """Keep a connection for the next mail, or close it."""
        is_used_up = connection.mails >= self._settings.mails_per_connection
        if not connection.is_reusable or is_used_up or self._count >= self._settings.most_idle:
            self._close_later(connection)
            return
        self._idle.setdefault(key, deque()).append(connection)
        self._count += 1
        self._timers[connection] = asyncio.get_running_loop().call_later(
            self._settings.idle_seconds, self._expire, key, connection
        )

    async def close(self) -> None:
        """Close all idle connections."""
        connections = [connection for waiting in self._idle.values() for connection in waiting]
        for timer in self._timers.values():
            timer.cancel()
        self._idle.clear()
        for connection in connections:
            connection.abort()

    def _expire(self, key: ConnectionKey, connection: OutgoingConnection) -> None:
        waiting = self._idle.get(key)
        if waiting and connection in waiting:
            waiting.remove(connection)
            self._forget(key, connection)
            self._close_later(connection)

    def _forget(self, key: ConnectionKey, connection: OutgoingConnection) -> None:
        self._count -= 1
        timer = self._timers.pop(connection, None)
        if timer is not None:
            timer.cancel()
        if not self._idle.get(key):
            self._idle.pop(key, None)

    def _close_later(self, connection: OutgoingConnection) -> None:
        if connection.is_reusable:
            spawn(connection.close(), "outbound-quit")
        else:
            connection.abort()
