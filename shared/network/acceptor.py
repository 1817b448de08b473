"""Accepts connections on listening sockets and gives each a slot.

When the event loop makes a server with TLS, it does not report connections in their handshake, so these could not be
counted. For implicit TLS the sockets are therefore accepted here, and TLS begins once there is a slot. Plain
connections are accepted by the event loop, which is faster, and counted at once.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import structlog

from shared.background import spawn
from shared.network.address import plain_address
from shared.network.binding import BACKLOG
from shared.network.slot import Slot

log = structlog.get_logger("network")
_ACCEPTS_A_TURN = 64
"""Connections accepted in one turn of the event loop, so that other work gets its turn in a flood."""
_PAUSE_SECONDS = 0.5
"""Seconds to wait after a failed accept: without descriptors it would fail again at once."""

Admit = Callable[[str], Slot | None]
"""Returns the slot of a new connection from this address; None when it is closed without a reply."""
Connect = Callable[[Slot], asyncio.BaseProtocol]
"""Makes the protocol of a new connection when its TLS is up. The protocol calls `slot.leave()` when the connection is
lost."""


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """Implicit TLS, with limits of time for the handshake and for the end of a connection with unsent output."""

    context: ssl.SSLContext
    handshake_seconds: float
    shutdown_seconds: float


class Acceptor(Protocol):
    """Accepts connections on all sockets of a listener."""

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Begin to accept."""

    def stop(self) -> None:
        """Stop accepting, and close the listening sockets."""


class PlainAcceptor:
    """Accepts connections without TLS, or with STARTTLS.

    In a flood, `refusal` is sent to a client that is not accepted. When the process has no descriptor left, libuv
    closes waiting connections; it keeps one descriptor for that.
    """

    def __init__(self, admit: Admit, connect: Connect, refusal: bytes) -> None:
        self._admit = admit
        self._connect = connect
        self._refusal = refusal
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """See `Acceptor`."""
        create_server = asyncio.get_running_loop().create_server
        for listening in sockets:
            self._servers.append(await create_server(lambda: _Accepted(self._take), sock=listening, backlog=BACKLOG))

    def stop(self) -> None:
        """See `Acceptor`."""
        for server in self._servers:
            server.close()

    def _take(self, transport: asyncio.Transport) -> None:
        name = transport.get_extra_info("peername")
        slot = self._admit(plain_address(str(name[0])) if name else "")
        if slot is None:
            transport.write(self._refusal)
            transport.close()
            return
        protocol = self._connect(slot)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


class _Accepted(asyncio.Protocol):
    """The protocol of an accepted connection until it has a slot."""

    def __init__(self, take: Callable[[asyncio.Transport], None]) -> None:
        self._take = take

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(cast(asyncio.Transport, transport))


class TlsAcceptor:
    """Accepts connections with implicit TLS."""

    def __init__(self, admit: Admit, connect: Connect, tls: ListenerTls) -> None:
        self._admit = admit
        self._connect = connect
        self._tls = tls
        self._sockets: list[socket.socket] = []

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """See `Acceptor`."""
        self._sockets = list(sockets)
        for listening in sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def stop(self) -> None:
        """See `Acceptor`."""
        sockets, self._sockets = self._sockets, []
        for listening in sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()

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
        log.error("network.accept_failed", error=str(error))
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(_PAUSE_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def _take(self, accepted: socket.socket, address: str) -> None:
        slot = self._admit(address)
        if slot is None:
            accepted.close()
        else:
            spawn(self._make(slot, accepted), "network-handshake")

    async def _make(self, slot: Slot, accepted: socket.socket) -> None:
        """Bring an accepted socket through its handshake to its protocol."""
        slot.begin_handshake()
        if slot.is_aborted:  # before this task began, or in favour of another handshake
            accepted.close()
            slot.leave()
            return
        slot.task = asyncio.current_task()
        accepted.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._connect(slot),
                accepted,
                ssl=self._tls.context,
                ssl_handshake_timeout=self._tls.handshake_seconds,
                ssl_shutdown_timeout=self._tls.shutdown_seconds,
            )
            slot.end_handshake()
        except OSError:  # ssl.SSLError is one, and so is a handshake that took too long
            slot.leave()
        except BaseException:
            slot.leave()
            raise
