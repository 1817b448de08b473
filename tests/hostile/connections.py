"""Opens many TCP connections to a server, keeps them, and counts those that are still open."""

from __future__ import annotations

import resource
import selectors
import socket
from types import TracebackType

_CONNECT_SECONDS = 60.0
_SPARE_DESCRIPTORS = 300


class SilentConnections:
    """`with SilentConnections(port) as flood: flood.open(700, "127.0.0.2")`: nothing is sent and nothing is read."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sockets: list[socket.socket] = []

    def open(self, number: int, source: str) -> None:
        """Open so many more connections from an address."""
        _allow(len(self._sockets) + number)
        for _ in range(number):
            client = socket.create_connection(("127.0.0.1", self._port), _CONNECT_SECONDS, (source, 0))
            client.setblocking(False)
            self._sockets.append(client)

    def held(self) -> int:
        """The number of connections that the server has not closed."""
        with selectors.DefaultSelector() as selector:
            for client in self._sockets:
                selector.register(client, selectors.EVENT_READ)
            return len(self._sockets) - len(selector.select(0))

    def close(self) -> None:
        """Close all connections."""
        for client in self._sockets:
            client.close()
        self._sockets.clear()

    def __enter__(self) -> SilentConnections:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _allow(number: int) -> None:
    """Raise this process's limit, because it needs a file descriptor for each connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number + _SPARE_DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number + _SPARE_DESCRIPTORS, hard), hard))
