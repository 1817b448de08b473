"""The open ports."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from services.ingress.endpoints.door import IMPLICIT, KINDS, Door
from services.ingress.endpoints.guest import SmtpClient
from services.ingress.endpoints.means import Means
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.service import Host

_BACKLOG = 1024


class Listeners:
    """25, 587 and 465 on every address of `server.bind`."""

    def __init__(self, host: Host, means: Means) -> None:
        self._host = host
        self._means = means
        self.doors = [Door(kind, host.server.host, means.settings) for kind in KINDS]
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Open them all. Raises OSError when one is taken."""
        for door in self.doors:
            for address in self._host.server.bind:
                self._servers.append(await self._open(door, address))

    async def stop(self, grace: float) -> None:
        """Let nobody in, let messages that are being accepted finish, then close."""
        for server in self._servers:
            server.close()
        for door in self.doors:
            for guest in door:
                guest.dismiss()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.gather(*(door.emptied.wait() for door in self.doors))
        for door in self.doors:
            for guest in door:
                guest.abort()

    def report(self) -> Sequence[owner_pb2.Listener]:
        """What is open."""
        return [
            owner_pb2.Listener(
                protocol=door.kind.name, address=address, port=self._host.port(door.kind.port), tls=door.kind.tls
            )
            for door in self.doors
            for address in self._host.server.bind
        ]

    async def _open(self, door: Door, address: str) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        context = self._means.tls if door.kind.tls == IMPLICIT else None
        handshake = self._means.settings.handshake_timeout if context is not None else None
        return await loop.create_server(
            lambda: SmtpClient(self._means, door),
            address,
            self._host.port(door.kind.port),
            ssl=context,
            ssl_handshake_timeout=handshake,
            backlog=_BACKLOG,
            reuse_address=True,
        )
