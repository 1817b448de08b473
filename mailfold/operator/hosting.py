"""Hosts an owning service in the command while no server runs, under the lock of its database.

There is no listener and no bus: the service's store is open, and its contracts are called in-process.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from mailfold import catalogue
from mailfold.operator.failure import CommandFailed
from shared import log as logs
from shared.eventstore.file_lock import FileInUse
from shared.eventstore.lease import LeaseHeld
from shared.grpc.credentials import CallTokens
from shared.grpc.policy import OPERATOR
from shared.places import Places
from shared.settings import load

if TYPE_CHECKING:
    from shared.eventstore.store import EventStore
    from shared.grpc.channel import Channel

_FULLY = frozenset({"directory"})
"""Services whose commands work without other services; they are started completely."""
_NO_BUS = "nats://127.0.0.1:1"


class Elsewhere(Exception):
    """Another process holds the service's database."""


@contextlib.asynccontextmanager
async def hosted(
    places: Places, service: str, *, whole: bool = True, reads_only: bool = False
) -> AsyncIterator[Channel]:
    """A channel to the service, hosted for the length of the block.

    Without `whole` only its store is opened: a service with damaged rows may not be able to start, and the command may
    be there to correct them. With `reads_only` the store is read while another process may own it. Raises Elsewhere, or
    NotReadable when it must be owned to be read.
    """
    from shared.blobs.local import LocalBlobs
    from shared.bus.bus import Bus
    from shared.bus.settings import BusSettings
    from shared.server_settings import BlobSection
    from shared.service import Host

    logs.configure("command", "warning")
    settings = load(catalogue.sections(), places.settings_file, os.environ)
    places.make()
    blobs = LocalBlobs(places.blobs, "g0001", settings.of(BlobSection).in_force)
    bus = Bus(BusSettings(url=_NO_BUS), "command")
    host = Host(places, settings, [service], bus, blobs, CallTokens(), reads_only=reads_only)
    app = catalogue.builds([service])[service](host)
    host.offer(service, app)
    is_whole = whole and service in _FULLY
    try:
        await (app.start() if is_whole else _open(app.store, reads_only=reads_only))
    except (FileInUse, LeaseHeld) as error:
        raise Elsewhere(str(error)) from error
    except (DatabaseError, sqlite3.DatabaseError) as error:  # of the driver, from a store opened for reading
        cause = getattr(error, "orig", error)
        raise CommandFailed(
            f"the database of {service} cannot be used: {cause}; look at {places.data / 'store'}, or restore it from "
            f"a backup"
        ) from error
    try:
        yield host.channel(service, OPERATOR)
    finally:
        await (app.stop() if is_whole else app.store.close())
        await host.close()
        await blobs.close()


async def _open(store: EventStore, *, reads_only: bool) -> None:
    await (store.open_to_read() if reads_only else store.open())
