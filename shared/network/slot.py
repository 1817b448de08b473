"""The place that one connection has at its listener."""

from __future__ import annotations

import asyncio
from typing import Protocol

from shared.network.connection_table import ConnectionRefusal, ConnectionTable


class Occupant(Protocol):
    """What a service does with an open connection."""

    def dismiss(self) -> None:
        """End it in order: as soon as it is idle."""

    def abort(self) -> None:
        """End it now."""


class Slot:
    """Made at accept, before TLS. The protocol of the connection sets `occupant`, and calls `leave` when it is
    closed."""

    __slots__ = ("_listener", "_table", "address", "is_aborted", "occupant", "refusal", "task")

    def __init__(self, listener: Registry, table: ConnectionTable[Slot], address: str) -> None:
        self._listener = listener
        self._table = table
        self.address = address
        """The client's; an IPv4-mapped address is the IPv4 address."""
        self.refusal: ConnectionRefusal | None = None
        """Why the connection is not taken: the protocol says so in its own words, and closes."""
        self.occupant: Occupant | None = None
        self.task: asyncio.Task[None] | None = None
        """What makes the connection: accepted, and perhaps in handshake."""
        self.is_aborted = False
        """Closed before anything was made of it."""

    def begin_handshake(self) -> None:
        """TLS begins. It may cost an older handshake its connection, even this one."""
        displaced = self._table.begin_handshake(self, asyncio.get_running_loop().time())
        if displaced is not None:
            self._listener.displace(displaced)

    def end_handshake(self) -> None:
        """TLS is up, or will not be."""
        self._table.end_handshake(self)

    def prove(self) -> None:
        """The client has shown what it is for: a full listener closes others first."""
        self._table.prove(self)

    def leave(self) -> None:
        """The connection is closed. It may be said again."""
        self._table.leave(self)
        self._listener.left(self)

    def dismiss(self) -> None:
        """End the connection in order."""
        if self.occupant is not None:
            self.occupant.dismiss()
        else:
            self.abort()

    def abort(self) -> None:
        """Close the connection now."""
        if self.occupant is not None:
            self.occupant.abort()
        elif self.task is not None:
            self.task.cancel()
        self.is_aborted = True


class Registry(Protocol):
    """The listener, as a slot sees it."""

    def displace(self, slot: Slot) -> None:
        """Close a connection that has left the table."""

    def left(self, slot: Slot) -> None:
        """A connection is closed."""
