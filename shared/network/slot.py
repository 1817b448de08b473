"""The slot of a connection at its listener."""

from __future__ import annotations

import asyncio
from typing import Protocol

from shared.network.connection_table import ConnectionRefusal, ConnectionTable


class Occupant(Protocol):
    """The open connection of a service."""

    def dismiss(self) -> None:
        """End the connection in order, as soon as it is idle."""

    def abort(self) -> None:
        """Close the connection now."""


class Slot:
    """A connection at its listener, from accept on, before TLS.

    The protocol of the connection sets `occupant`, and calls `leave` when the connection is closed.
    """

    __slots__ = ("_listener", "_table", "address", "is_aborted", "occupant", "refusal", "task")

    def __init__(self, listener: Registry, table: ConnectionTable[Slot], address: str) -> None:
        self._listener = listener
        self._table = table
        self.address = address
        """The client's address; an IPv4-mapped address is the IPv4 address."""
        self.refusal: ConnectionRefusal | None = None
        """Why the connection is refused; the protocol sends its own text and closes."""
        self.occupant: Occupant | None = None
        self.task: asyncio.Task[None] | None = None
        """The task that accepted the connection and may be in its handshake."""
        self.is_aborted = False
        """Whether it was closed before its protocol was made."""

    def begin_handshake(self) -> None:
        """Note that TLS begins. An older handshake, or this one, may be ended for it."""
        displaced = self._table.begin_handshake(self, asyncio.get_running_loop().time())
        if displaced is not None:
            self._listener.displace(displaced)

    def end_handshake(self) -> None:
        """Note that the handshake has ended, successfully or not."""
        self._table.end_handshake(self)

    def prove(self) -> None:
        """Note that the client has proved its purpose, so that a full listener closes others first."""
        self._table.prove(self)

    def leave(self) -> None:
        """Note that the connection is closed; may be called again."""
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
    """The listener, as a slot uses it."""

    def displace(self, slot: Slot) -> None:
        """Close a connection that was removed from the table."""

    def left(self, slot: Slot) -> None:
        """Note that a connection is closed."""
