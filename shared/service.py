"""What a service is, what its process gives it, and how every process runs its services.

`build(host)` makes a service's app from what the process offers. A process hosts any set of services. Whether another
service is called in-process or over gRPC depends on the layout and is hidden from the service.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
import sqlalchemy
import structlog

from shared import log as logs
from shared.allocation import return_large_blocks
from shared.background import begin
from shared.blobs.disk_room import DiskRoom
from shared.blobs.errors import BlobError
from shared.blobs.local import LocalBlobs
from shared.blobs.port import Blobs
from shared.bus.bus import Bus
from shared.bus.settings import BusSettings
from shared.clock import Clock, SystemClock
from shared.events.every import declare_every_event
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.file_lock import FileInUse
from shared.eventstore.lease import LeaseHeld
from shared.eventstore.store import Backend, EventStore, backend_for
from shared.eventstore.transaction import Projection
from shared.grpc.channel import Channel, RemoteChannel, for_stubs
from shared.grpc.credentials import CallTokens
from shared.grpc.local import LocalChannel
from shared.grpc.remote import RemoteServer
from shared.grpc.servicers import Method, Registration, methods_of
from shared.ids import Ids
from shared.network.descriptors import Descriptors, limit_in_force, raise_limit
from shared.owner.health import Health
from shared.places import Places
from shared.server_settings import SHARED_SECTIONS as SHARED_SECTIONS
from shared.server_settings import BlobSection, ServerSettings
from shared.settings import Section, Settings, load
from shared.starting import StartProgress
from shared.turns import Turns

log = structlog.get_logger("service")
S = TypeVar("S", bound=Section)
_GENERATION = "g0001"
"""The generation into which new blobs are written; a sweep raises it."""
_OPEN_PATIENCE = 40.0
"""Seconds for which a starting service waits until its predecessor has closed the store; a lease lasts 30."""
_COLLECTED_AFTER = 10_000, 20, 20
"""New objects after which the collector looks for cycles, and its younger looks before an older one. A burst of mails
has many living objects and hardly a cycle; looking after every 700 costs three hundredths of the CPU."""
_END_SECONDS = 20
"""Seconds for the orderly end of a process that must end."""


class Ended(Exception):
    """The process must end and be started again; the text is a sentence for the operator."""


class App(Protocol):
    """A service that is built and ready to start."""

    registrations: Sequence[Registration]
    """The contracts that it offers."""

    async def start(self) -> None:
        """Open the store, connect and listen; when this returns, the service serves."""

    async def stop(self) -> None:
        """Take no new work, finish the running work, and close."""


class Host:
    """The environment of the services in a process: settings, store, bus and channels."""

    def __init__(
        self,
        places: Places,
        settings: Settings,
        hosted: Sequence[str],
        bus: Bus,
        blobs: Blobs,
        credentials: CallTokens,
        *,
        reads_only: bool = False,
        progress: StartProgress | None = None,
    ) -> None:
        """Create the host.

        `reads_only` is for commands that change nothing: stores are opened for reading while other processes may write
        them. `progress` receives the progress of a start.
        """
        self.reads_only = reads_only
        self.progress = progress or StartProgress(None)
        self.ending = asyncio.Event()
        self.reason = ""
        """Why the process ends by itself."""
        self.places = places
        self.settings = settings
        self.server = settings.of(ServerSettings)
        self.clock: Clock = SystemClock()
        self.ids = Ids(self.clock)
        self.bus = bus
        self.blobs = blobs
        self.turns = Turns()
        """The budget of each turn of the event loop for work that grows."""
        self.descriptors = Descriptors(limit_in_force())
        self._credentials = credentials
        self._methods: dict[str, dict[str, Method]] = {service: {} for service in hosted}
        self._channels: dict[tuple[str, str], RemoteChannel] = {}

    def section(self, kind: type[S]) -> S:
        """A section of the settings in force."""
        return self.settings.of(kind)

    def channel(self, service: str, caller: str) -> Channel:
        """A channel to a service for the stubs of `caller`: in-process when both run here, else over gRPC."""
        if service in self._methods:
            return for_stubs(LocalChannel(self._methods[service], caller, self.server.call_timeout))
        key = (service, caller)
        if key not in self._channels:
            token = self._credentials.token(caller, service)
            self._channels[key] = RemoteChannel(self.places.socket(service), caller, token, self.server.call_timeout)
        return for_stubs(self._channels[key])

    def holder(self, service: str) -> str:
        """The name of a store's writer, as shown to people: this service of this installation."""
        return f"{socket.gethostname()}:{self.places.data}:{service}"

    def disk_room(self, service: str, reserve_bytes: int, reserve_percent: int) -> DiskRoom:
        """The free space for mail beyond a service's reserve."""
        places = self.places
        # In a container a service that keeps nothing does not know the address of the stores.
        is_elsewhere = self.server.store or self.server.layout == "containers"
        folders = [places.blobs] if is_elsewhere else [places.blobs, places.data / "store"]
        return DiskRoom(service, folders, reserve_bytes, reserve_percent, self.clock)

    def health(self, service: str, store: EventStore | None = None) -> Health:
        """The health in a service's report."""
        return Health(service, self.bus, store)

    def port(self, well_known: int) -> int:
        """A well-known port with the offset added."""
        return well_known + self.server.port_offset

    def event_store(self, service: str, metadata: sqlalchemy.MetaData, projections: Sequence[Projection]) -> EventStore:
        """The event store of an owning service, not yet open."""
        backend = backend_for(self.server.store, service, self.places.data)
        return self.store_on(backend, service, metadata, projections)

    def store_on(
        self, backend: Backend, service: str, metadata: sqlalchemy.MetaData, projections: Sequence[Projection]
    ) -> EventStore:
        """Like `event_store`, on a backend that the service chooses."""

        def fenced_out(reason: str) -> None:
            self.end(f"the store of {service} was lost: {reason}")

        holder = self.holder(service)
        return EventStore(backend, metadata, projections, self.clock, holder, service, self.turns, fenced_out)

    def end(self, reason: str) -> None:
        """End the process in order, with a sentence for the operator; the supervisor starts it again."""
        self.reason = self.reason or reason
        self.ending.set()

    async def open_store(self, store: EventStore) -> None:
        """Open a store, and wait for a predecessor that is still closing it.

        Raises FileInUse or LeaseHeld when it does not close.
        """
        if self.reads_only:
            await store.open_to_read()
            return
        patience = time.monotonic() + _OPEN_PATIENCE
        while True:
            try:
                await store.open(partial(self._folds, store.service))
                return
            except (FileInUse, LeaseHeld) as error:
                if time.monotonic() > patience:
                    raise
                self.progress.note(f"{store.service}: waits for its store: {error}")
                await asyncio.sleep(0.1)

    def _folds(self, service: str, count: int) -> None:
        self.progress.note(f"{service}: computes tables of another release anew, {count} events so far")

    def offer(self, service: str, app: App) -> Mapping[str, Method]:
        """Offer a built service's contracts to the others of this process."""
        self._methods[service] |= methods_of(service, app.registrations)
        return self._methods[service]

    async def close(self) -> None:
        """Close the channels."""
        for channel in self._channels.values():
            await channel.close()


Build = Callable[[Host], App]


class Hosted:
    """The services of one process: built, started in order, and stopped in reverse."""

    def __init__(
        self,
        process: str,
        builds: Mapping[str, Build],
        settings: Settings,
        places: Places,
        credentials: CallTokens,
    ) -> None:
        self._process = process
        self._builds = builds
        self._settings = settings
        self._places = places
        self._credentials = credentials
        self._progress = StartProgress(places.progress_file(process))
        self._apps: list[tuple[str, App]] = []
        self._servers: list[RemoteServer] = []
        self._host: Host | None = None

    async def start(self) -> Host:
        """Start everything; the process is ready when this returns."""
        self._progress.note("connects to the bus", at_once=True)
        bus = await Bus.connect(self._settings.of(BusSettings), self._process)
        blobs = LocalBlobs(
            self._places.blobs, _GENERATION, self._settings.of(BlobSection).in_force, writer=self._process
        )
        blobs.start()
        self._host = host = Host(
            self._places,
            self._settings,
            list(self._builds),
            bus,
            blobs,
            self._credentials,
            progress=self._progress,
        )
        built = [(service, build(host)) for service, build in self._builds.items()]
        methods = {service: host.offer(service, app) for service, app in built}
        for service, app in built:
            self._progress.note(f"starts {service}", at_once=True)
            await app.start()
            self._apps.append((service, app))
            accepted = self._credentials.accepted.get(service, {})
            server = RemoteServer(self._places.socket(service), methods[service], accepted)
            await server.start()
            self._servers.append(server)
        self._places.ready_file(self._process).write_text(str(os.getpid()))
        self._progress.clear()
        log.info("process.ready", services=list(self._builds))
        return host

    async def stop(self) -> None:
        """Stop everything in the reverse order."""
        self._places.ready_file(self._process).unlink(missing_ok=True)
        self._progress.clear()
        for server in self._servers:
            await server.stop()
        for service, app in reversed(self._apps):
            try:
                await app.stop()
            except Exception as error:
                log.error("service.stop_failed", service=service, exc_info=error)
        if self._host is not None:
            await self._host.close()
            await self._host.bus.close()
            await self._host.blobs.close()
        log.info("process.stopped")


def run(
    process: str,
    builds: Mapping[str, Build],
    sections: Mapping[str, type[Section]],
    data: Path,
    credentials: CallTokens,
) -> None:
    """Run a process until SIGTERM or SIGINT. Settings come from the data folder's file and the environment."""
    import uvloop  # imported here because a parent of forked children does not need it

    places = Places(data)
    settings = load({**SHARED_SECTIONS, **sections}, places.settings_file, os.environ)
    logs.configure(process, settings.of(ServerSettings).log_level)
    declare_every_event()
    raise_limit()
    sys.setswitchinterval(0.001)  # the store's writer thread and the event loop switch often
    gc.set_threshold(*_COLLECTED_AFTER)
    return_large_blocks()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            uvloop.run(_serve(Hosted(process, builds, settings, places, credentials)))
        except Ended as ended:
            sys.stderr.write(f"{process} ends and is started again: {ended}\n")
            sys.exit(1)
        except (OSError, BlobError, FileInUse, LeaseHeld, StoreUnavailable, sqlalchemy.exc.DatabaseError) as error:
            # What the operator can correct is a sentence at the end of the log, which the launcher shows.
            sys.stderr.write(f"{process} cannot start: {_what_to_do(error)}\n")
            sys.exit(1)


def main(service: str, build: Build, sections: Mapping[str, type[Section]]) -> None:
    """The `main` function of every service: `python -m services.<service> --data DIR --credentials FILE`."""
    import argparse

    parser = argparse.ArgumentParser(
        prog=f"services.{service}", description=f"Run the service {service} in a process of its own."
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="the data folder (default: %(default)s)")
    parser.add_argument(
        "--credentials",
        type=Path,
        required=True,
        help="a file of this process alone (shared/grpc/credentials.py), as JSON",
    )
    given = parser.parse_args()
    credentials = msgspec.json.decode(given.credentials.read_bytes(), type=CallTokens)
    run(service, {service: build}, sections, given.data, credentials)


def _what_to_do(error: Exception) -> str:
    """The error, with advice where there is some."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return f"{error}. Stop the program that listens there, or choose other ports with --port-offset"
    if number in (errno.EACCES, errno.EPERM) and "bind" in str(error):
        return f"{error}. Ports below 1024 want root; --port-offset 10000 chooses others"
    if isinstance(error, sqlalchemy.exc.DatabaseError):
        return f"a database cannot be used: {error.orig}. Look at the folder `store`, or restore it from a backup"
    return str(error)


async def _serve(hosted: Hosted) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    started, stop = begin(hosted.start()), begin(stopping.wait())
    await asyncio.wait({started, stop}, return_when=asyncio.FIRST_COMPLETED)
    if started.done():
        await _ended(started.result(), stop)
    else:
        started.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await started
    await hosted.stop()
    if started.done() and not started.cancelled() and (reason := started.result().reason):
        raise Ended(reason)


async def _ended(host: Host, stop: asyncio.Task[Any]) -> None:
    """Wait until the process is stopped, or must end by itself."""
    ending = begin(host.ending.wait())
    await asyncio.wait({stop, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if host.reason:
        log.error("process.ends", reason=host.reason)
        signal.alarm(_END_SECONDS)  # a stop that hangs on a lost database must not keep the process forever
