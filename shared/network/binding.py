"""Listening sockets."""

from __future__ import annotations

import socket
from collections.abc import Sequence

BACKLOG = 1024
"""Connections that the kernel queues until they are accepted."""


def bind(address: str, port: int) -> list[socket.socket]:
    """Listen on an address, or on every address of a name. Raises OSError with the address."""
    targets = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [_listening(family, target) for family, _, _, _, target in dict.fromkeys(targets)]


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Close the listening sockets."""
    for listening in sockets:
        listening.close()


def _listening(family: socket.AddressFamily, target: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setblocking(False)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # so that 0.0.0.0 and :: can both be listened on
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(target)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"cannot bind {target[0]} port {target[1]}: {error.strerror}") from None
    return listening
