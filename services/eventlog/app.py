"""Connects the parts of the event log."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import sqlalchemy

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.embedded_search import EmbeddedSearch
from services.eventlog.adapters.log_writer import Incoming, LogWriter, places_of
from services.eventlog.adapters.opensearch_search import OpenSearchSearch
from services.eventlog.adapters.packing import Packer
from services.eventlog.adapters.tables import log_tables
from services.eventlog.domain.log_id import FOLLOWED
from services.eventlog.endpoints.journal import JournalEndpoint
from services.eventlog.endpoints.servicer import EventLogEndpoint
from services.eventlog.handlers.asking import Asking, AskingLimits
from services.eventlog.handlers.copying import Copier
from services.eventlog.handlers.erasure import EventLogErasure
from services.eventlog.handlers.prune import Pruner
from services.eventlog.handlers.retention import Retention, RetentionLimits
from services.eventlog.handlers.secrets import forget_secrets
from services.eventlog.handlers.tail import Tail
from services.eventlog.settings import SECTIONS as SECTIONS
from services.eventlog.settings import EventlogSettings
from shared.background import BackgroundTask
from shared.events import credentials as _credentials  # noqa: F401
from shared.events import directory as _directory  # noqa: F401
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import types_with_secrets
from shared.eventstore.store import backend_for
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.grpc.servicers import Registration
from shared.opensearch.client import OpenSearchClient
from shared.opensearch.settings import OpenSearchSettings
from shared.owner.follower import Effect, Follower, Places
from shared.owner.mail_owners import Owners
from shared.owner.servicer import StoreOwner
from shared.owner.source import RemoteSource
from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import add_EventLogServicer_to_server
from shared.rpc.mailfold.eventlog.v1.journal_pb2_grpc import add_JournalServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.service import Host

SERVICE = "eventlog"
_PRUNES_FOR = 3600.0
"""Seconds that a large pruning may take."""


class EventLog:
    """The event log as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings = settings = host.section(EventlogSettings)
        metadata = sqlalchemy.MetaData()
        log_tables(metadata)
        # The log is a copy: when its last moments are lost, their events are read again from the services. So no commit
        # waits for the disk.
        backend = backend_for(host.server.store, SERVICE, host.places.data, durable=False)
        self.store = host.store_on(backend, SERVICE, metadata, ())
        self._tail = tail = Tail(settings.tail_waiting)
        self._packer = Packer(settings.compress_above)
        self._copy = self._copier(host)
        self._writer = LogWriter(
            self.store, self._packer, settings.waiting_facts, self._arrived, copies=self._copy is not None
        )
        self._followers = {service: self._follower(service) for service in FOLLOWED}
        directory = host.channel("directory", SERVICE)
        self._answers = self._asking(directory)
        self._erasure = EventLogErasure(
            SERVICE, self.store, directory, host.bus, host.clock, self._packer, self._writer, self._lag, self._copy
        )
        self._pruner = Pruner(self.store, host.clock, settings.keep_days, settings.prune_seconds)
        self._pruning = BackgroundTask(
            SERVICE,
            "pruner",
            self._pruner.turn,
            longest=3 * settings.prune_seconds + _PRUNES_FOR,
            not_now=(StoreUnavailable,),
        )
        self.registrations: Sequence[Registration] = (
            (add_EventLogServicer_to_server, EventLogEndpoint(self.store, settings, tail, self._answers)),
            (add_JournalServicer_to_server, JournalEndpoint(self.store, directory, settings.max_results)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(SERVICE, self.store, host.health(SERVICE, self.store), report=self._report),
            ),
        )

    async def start(self) -> None:
        """Open the store and follow every service."""
        await self._host.open_store(self.store)
        await forget_secrets(self.store, self._packer, types_with_secrets())
        if self._copy is None:
            await self.store.write(lambda transaction: copy_rows.end_copy(transaction.connection))
        else:
            await self._copy.start()
        self._writer.start()
        for service, follower in self._followers.items():
            await follower.start(await self.store.read(partial(places_of, service=service)))
        self._pruning.start()
        await self._erasure.worker.start()

    async def stop(self) -> None:
        """Write the events that were read, and close."""
        await self._erasure.worker.stop()
        for follower in self._followers.values():
            await follower.stop()
        await self._pruning.stop()
        await self._writer.stop()
        if self._copy is not None:
            await self._copy.stop()
        await self.store.close()

    def _copier(self, host: Host) -> Copier | None:
        """The copier to OpenSearch; None where the log is only embedded."""
        section, settings = host.section(OpenSearchSettings), self._settings
        if settings.engine != "opensearch" or not section.urls:
            return None
        self._client = client = OpenSearchClient(section)
        limits = RetentionLimits(settings.keep_days, settings.roll_days, settings.roll_octets, settings.prune_seconds)
        return Copier(
            SERVICE, self.store, client, Retention(self.store, client, host.clock, limits), host.ids, host.clock
        )

    def _asking(self, directory: Channel) -> Asking:
        """What answers questions."""
        most = self._settings.max_scanned
        copied = OpenSearchSearch(self.store, self._client, most) if self._copy is not None else None
        limits = AskingLimits(self._settings.max_results, self._settings.engine)
        return Asking(self.store, EmbeddedSearch(self.store, most), copied, Owners(directory), self._host.clock, limits)

    def _arrived(self, events: Sequence[Incoming]) -> None:
        self._tail.arrived(events)
        if self._copy is not None:
            self._copy.wake()

    def _follower(self, service: str) -> Follower:
        source = RemoteSource(self._host.channel(service, SERVICE))
        gather = self._settings.gather_seconds

        async def rewind(agreed: Places) -> Places:
            await self._writer.rewind(service, agreed)
            return agreed

        return Follower(
            SERVICE, source, self._host.bus, service, self._effect(service), rewind=rewind, gather_seconds=gather
        )

    def _effect(self, service: str) -> Effect:
        return lambda events, _after: self._writer.take(service, events)

    async def _lag(self) -> int:
        """The number of events that the log does not have; -1 when a service does not answer."""
        lags = [await _lag(follower) for follower in self._followers.values()]
        return -1 if None in lags else sum(lag or 0 for lag in lags)

    async def _report(self) -> owner_pb2.ReportReply:
        row = await self.store.read_long(lambda reader: reader.first_row("SELECT count(*) FROM fact"))
        lags = {service: await _lag(follower) for service, follower in self._followers.items()}
        missing = ", ".join(service for service, lag in lags.items() if lag is None)
        known = {service: lag for service, lag in lags.items() if lag is not None}
        state = f"cannot reach {missing}; their events are followed when they are back" if missing else ""
        counts = {"events": row[0] if row else 0}
        if self._copy is not None:
            counts["not_in_opensearch"] = await self.store.read_long(copy_rows.count_unsent)
        elif self._settings.engine == "opensearch":
            state = "eventlog.engine is opensearch, but opensearch.urls is empty; the log itself answers"
        return owner_pb2.ReportReply(counts=counts, lag=known, state=state)


async def _lag(follower: Follower) -> int | None:
    """The number of a service's events that the log does not have; None when the service does not answer."""
    try:
        return await follower.lag()
    except ServiceError:
        return None


def build(host: Host) -> EventLog:
    """Create the service for a process that hosts it."""
    return EventLog(host)
