"""Accepting: from a listening socket to connections that have a slot.

A server that the event loop makes with TLS does not tell of connections whose handshake has not ended, so nobody could
count them. For implicit TLS the sockets are therefore accepted here, and TLS begins when there is a slot. Plain
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
"""The others of this process get their turn in a flood."""
_PAUSE_SECONDS = 0.5
"""After an accept that failed: without descriptors it fails again at once."""

Admit = Callable[[str], Slot | None]
"""The slot of a new connection from this address; None when it is not taken and not told either."""
Connect = Callable[[Slot], asyncio.Protocol]
"""The protocol of a new connection, when its TLS is up. It calls `slot.leave()` when the connection is lost."""


@dataclass(frozen=True, slots=True)
class ListenerTls:
    """TLS from the first octet on. The handshake, and the end with all that is still to be sent, may take so long."""

    context: ssl.SSLContext
    handshake_seconds: float
    shutdown_seconds: float


class Acceptor(Protocol):
    """Accepts on all sockets of a listener."""

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept from now on."""

    def stop(self) -> None:
        """Accept no more, and close the listening sockets."""


class PlainAcceptor:
    """Without TLS, or with STARTTLS. `refusal` is what a client reads that is not taken in a flood.

    When the process has no descriptor left, libuv closes what waits to be accepted: it keeps one descriptor for that.
    """

    def __init__(self, admit: Admit, connect: Connect, refusal: bytes) -> None:
        self._admit = admit
        self._connect = connect
        self._refusal = refusal
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """As of `Acceptor`."""
        create_server = asyncio.get_running_loop().create_server
        for listening in sockets:
            self._servers.append(await create_server(lambda: _Accepted(self._take), sock=listening, backlog=BACKLOG))

    def stop(self) -> None:
        """As of `Acceptor`."""
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
    """What a connection is until it has a slot."""

    def __init__(self, take: Callable[[asyncio.Transport], None]) -> None:
        self._take = take

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._take(cast(asyncio.Transport, transport))


class TlsAcceptor:
    """Implicit TLS."""

    def __init__(self, admit: Admit, connect: Connect, tls: ListenerTls) -> None:
        self._admit = admit
        self._connect = connect
        self._tls = tls
        self._sockets: list[socket.socket] = []

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """As of `Acceptor`."""
        self._sockets = list(sockets)
        for listening in sockets:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening)

    def stop(self) -> None:
        """As of `Acceptor`."""
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
        """From the accepted socket to a connection that its protocol has."""
        slot.begin_handshake()
        if slot.is_aborted:  # before this task began, or for an older handshake
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
        except OSError:  # ssl.SSLError is one, and so is the end of the handshake's time
            slot.leave()
        except BaseException:
            slot.leave()
            raise
