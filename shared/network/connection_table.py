"""The connections of one listener: their limits, and which one is closed when there are too many.

It is pure; times are passed in, in seconds of a clock that never goes back. A connection is in handshake while TLS is
negotiated. It is unproven until it has logged in or, on port 25, named an accepted recipient. So that silent clients do
not keep others out, a full listener closes an unproven connection for a new one: the oldest of the network with the
most of them, if the new connection's network has fewer, or if that oldest one has been unproven for a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from shared.network.address import is_loopback, network_of

K = TypeVar("K", bound=Hashable)
_PATIENCE = 5.0
"""Seconds; a handshake and a log-in take less, even on a slow line."""


class ConnectionLimits(msgspec.Struct, frozen=True):
    """The limits of one listener. `per_network` does not apply to loopback."""

    total: int
    per_network: int
    handshakes: int


class ConnectionRefusal(StrEnum):
    """Why a connection is refused."""

    NETWORK = "too many connections of this client"
    LISTENER = "too many connections"


class Entry(msgspec.Struct, Generic[K], frozen=True):
    """The decision on a new connection. `displaced` was removed from the table, and the caller must close it."""

    refusal: ConnectionRefusal | None = None
    displaced: K | None = None


class ConnectionTable(Generic[K]):
    """Counts connections. Calls for a connection that is not in the table do nothing."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._networks: dict[K, str] = {}
        self._count: Counter[str] = Counter()
        self._unproven: _Crowd[K] = _Crowd()
        self._handshakes: _Crowd[K] = _Crowd()

    def __len__(self) -> int:
        return len(self._networks)

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._networks))

    @property
    def handshakes(self) -> int:
        """The number of connections in handshake."""
        return len(self._handshakes)

    def enter(self, connection: K, address: str, room: int, now: float) -> Entry[K]:
        """Enter a new connection. `room` is the number of connections for which there are descriptors."""
        network = network_of(address)
        if self._count[network] >= self._limits.per_network and not is_loopback(address):
            return Entry(refusal=ConnectionRefusal.NETWORK)
        displaced = None
        if len(self._networks) >= min(self._limits.total, room):
            displaced = self._unproven.displaceable(network, now)
            if displaced is None:
                return Entry(refusal=ConnectionRefusal.LISTENER)
            self.leave(displaced)
        self._networks[connection] = network
        self._count[network] += 1
        self._unproven.add(connection, network, now)
        return Entry(displaced=displaced)

    def begin_handshake(self, connection: K, now: float) -> K | None:
        """Note that TLS begins; with too many handshakes it returns the connection to close, perhaps this one."""
        network = self._networks.get(connection)
        if network is None:
            return None
        displaced = None
        if len(self._handshakes) >= self._limits.handshakes:
            displaced = self._handshakes.displaceable(network, now) or connection
            self.leave(displaced)
        if displaced != connection:
            self._handshakes.add(connection, network, now)
        return displaced

    def end_handshake(self, connection: K) -> None:
        """Note that the handshake has ended, successfully or not."""
        self._handshakes.remove(connection)

    def prove(self, connection: K) -> None:
        """Note that the connection has proved its purpose, so that it is never closed for another."""
        self._unproven.remove(connection)

    def leave(self, connection: K) -> None:
        """Remove a closed connection."""
        network = self._networks.pop(connection, None)
        if network is None:
            return
        self._count[network] -= 1
        if not self._count[network]:
            del self._count[network]
        self._unproven.remove(connection)
        self._handshakes.remove(connection)


class _Crowd(Generic[K]):
    """Connections by network, in the order of their arrival within each network."""

    def __init__(self) -> None:
        self._networks: dict[K, str] = {}
        self._members: dict[str, dict[K, float]] = {}

    def __len__(self) -> int:
        return len(self._networks)

    def add(self, connection: K, network: str, now: float) -> None:
        self._networks[connection] = network
        self._members.setdefault(network, {})[connection] = now

    def remove(self, connection: K) -> None:
        network = self._networks.pop(connection, None)
        if network is None:
            return
        members = self._members[network]
        del members[connection]
        if not members:
            del self._members[network]

    def displaceable(self, network: str, now: float) -> K | None:
        """The oldest connection of the network with the most, if a new one of `network` may replace it."""
        if not self._members:
            return None
        largest = max(self._members.values(), key=len)
        oldest, since = next(iter(largest.items()))
        is_fairer = len(largest) > len(self._members.get(network, ())) + 1
        return oldest if is_fairer or now - since >= _PATIENCE else None
