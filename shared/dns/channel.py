"""A connected UDP socket to a name server, which carries many questions at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from random import SystemRandom

from shared.dns.settings import ServerAddress
from shared.dns.wire import belongs

_RANDOM = SystemRandom()
_DATAGRAMS_A_TURN = 64
_MAX_DATAGRAM = 65535
_MAX_OPEN = 16_384
"""Open questions of the 65,536 possible ids, so that guessing an id stays unlikely."""


class Sent:
    """A query that was sent. `on_message` gets the response, or None when the socket failed."""

    __slots__ = ("asked", "channel", "id", "on_message")

    def __init__(
        self, channel: DnsChannel, number: int, asked: bytes, on_message: Callable[[bytes | None], None]
    ) -> None:
        self.channel = channel
        self.id = number
        self.asked = asked
        self.on_message = on_message

    def forget(self) -> None:
        """Ignore the response."""
        self.channel.forget(self.id)


class DnsChannel:
    """A socket with a random port; the kernel passes only datagrams of the server's address (RFC 5452 §9.2)."""

    __slots__ = ("_loop", "_open", "_socket", "asked", "strangers")

    def __init__(self, address: ServerAddress, loop: asyncio.AbstractEventLoop) -> None:
        """Open the socket. Raises OSError when there is no route to the address."""
        family, kind, protocol, _, target = socket.getaddrinfo(
            *address, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
        )[0]
        self._socket = socket.socket(family, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
        try:
            self._socket.connect(target)
        except OSError:
            self._socket.close()
            raise
        self._loop = loop
        self._open: dict[int, Sent] = {}
        self.asked = 0
        self.strangers = 0
        """The number of datagrams that were no response to an open question."""
        loop.add_reader(self._socket.fileno(), self._read)

    @property
    def is_idle(self) -> bool:
        """Whether no question is open."""
        return not self._open

    def send(self, query: bytes, asked: bytes, on_message: Callable[[bytes | None], None]) -> Sent:
        """Send a query under a new random id (RFC 5452 §9.2). Raises OSError."""
        if len(self._open) >= _MAX_OPEN:
            raise OSError("too many open questions")
        number = _RANDOM.getrandbits(16)
        while number in self._open:
            number = _RANDOM.getrandbits(16)
        self._socket.send(number.to_bytes(2) + query)
        self.asked += 1
        sent = self._open[number] = Sent(self, number, asked, on_message)
        return sent

    def forget(self, number: int) -> None:
        """Close one question."""
        self._open.pop(number, None)

    def close(self) -> None:
        """Close the socket; open questions get no response."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._fail()

    def _read(self) -> None:
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                message = self._socket.recv(_MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:  # the other host reported by ICMP that nothing listens on the port
                self._fail()
                return
            self._match(message)

    def _match(self, message: bytes) -> None:
        sent = self._open.get(int.from_bytes(message[:2]))
        if sent is None or not belongs(message, sent.asked):
            self.strangers += 1
            return
        del self._open[sent.id]
        sent.on_message(message)

    def _fail(self) -> None:
        failed, self._open = self._open, {}
        for sent in failed.values():
            sent.on_message(None)
