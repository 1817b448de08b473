"""Listens for IMAP over TLS (RFC 8314) and runs a task for each connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

import structlog

from services.access.endpoints.connection import Connection
from services.access.endpoints.wire import Wire
from services.access.session.backend import Backend
from shared.background import spawn

log = structlog.get_logger("access")

IMAPS_PORT = 993
_STOP_SECONDS = 3.0
_BACKLOG = 1024


class Listener:
    """The sockets of IMAP and the tasks of its connections."""

    def __init__(self, backend: Backend, addresses: Sequence[str], port: int, tls: ssl.SSLContext) -> None:
        self._backend = backend
        self.addresses = addresses
        self._port = port
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self._running: dict[asyncio.Task[None], Connection] = {}

    @property
    def port(self) -> int:
        """The port in use (of the first address, when 0 was asked for)."""
        return int(self._servers[0].sockets[0].getsockname()[1]) if self._servers else self._port

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._running)

    async def start(self) -> None:
        """Listen. Raises OSError when an address cannot be had."""
        loop, settings = asyncio.get_running_loop(), self._backend.settings
        for address in self.addresses:
            server = await loop.create_server(
                lambda: Wire(self._connected, settings.write_timeout),
                address,
                self._port,
                ssl=self._tls,
                backlog=_BACKLOG,
                ssl_handshake_timeout=settings.handshake_timeout,
                ssl_shutdown_timeout=_STOP_SECONDS,
            )
            self._servers.append(server)
        log.info("access.listening", addresses=list(self.addresses), port=self.port)

    async def stop(self) -> None:
        """Take no new connections; say BYE to the others, and give commands that run a moment to end."""
        for server in self._servers:
            server.close()
        for connection in self._running.values():
            connection.shut_down()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _connected(self, wire: Wire) -> None:
        connection = Connection(self._backend, wire)
        task = spawn(connection.serve(), "access-connection")
        self._running[task] = connection
        task.add_done_callback(self._running.pop)
