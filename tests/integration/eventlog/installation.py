"""Owning services that are only event stores: a test writes their events, and the event log really follows them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy

from services.eventlog.app import SECTIONS, SERVICE, EventLog, build
from services.eventlog.domain.log_id import FOLLOWED
from shared.bus.settings import BusSettings
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.grpc.channel import RemoteChannel, for_stubs
from shared.grpc.credentials import CallTokens, digest
from shared.grpc.servicers import Registration
from shared.owner.commit_bell import ring_at_commits
from shared.owner.source import StoreSource
from shared.places import Places
from shared.rpc.mailfold.eventlog.v1 import eventlog_pb2 as pb
from shared.rpc.mailfold.eventlog.v1.eventlog_pb2_grpc import EventLogStub
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import OwnerStub
from shared.service import SHARED_SECTIONS, Host, Hosted
from shared.settings import load
from tests.harness.waiting import until_true

CLIENT = Actor("remote", session="s-one", address="192.0.2.7")
PATIENCE = 60.0


class BareOwner:
    """A service that only keeps events."""

    def __init__(self, host: Host, service: str) -> None:
        self._host = host
        self._service = service
        self.store = host.event_store(service, sqlalchemy.MetaData(), ())
        self.registrations: Sequence[Registration] = ((add_EventSourceServicer_to_server, StoreSource(self.store)),)

    async def start(self) -> None:
        await self._host.open_store(self.store)
        ring_at_commits(self._host.bus, self._service, self.store)

    async def stop(self) -> None:
        await self.store.close()


class Installation:
    """Services in one process; the event log is called over its socket as the operator's command does."""

    def __init__(self, data: Path, bus_url: str, store_url: str, environment: dict[str, str]) -> None:
        self.places = Places(data)
        self.places.make()
        words = {"MAILFOLD_SERVER_STORE": store_url, "MAILFOLD_EVENTLOG_GATHER_SECONDS": "0.02", **environment}
        settings = load(
            {**SHARED_SECTIONS, **SECTIONS},
            self.places.settings_file,
            {**os.environ, **words, "MAILFOLD_BUS_URL": bus_url},
        )
        assert settings.of(BusSettings).url == bus_url
        self.owners: dict[str, BareOwner] = {}
        builds = {**{service: self._owner(service) for service in FOLLOWED}, SERVICE: self._event_log}
        credentials = CallTokens(accepted={SERVICE: {"operator": digest("o")}})
        self._hosted = Hosted("core", builds, settings, self.places, credentials)
        self._channel: RemoteChannel | None = None

    async def start(self) -> None:
        await self._hosted.start()
        self._channel = RemoteChannel(self.places.socket(SERVICE), "operator", "o")
        self.log = EventLogStub(for_stubs(self._channel))
        self.owner = OwnerStub(for_stubs(self._channel))

    async def stop(self) -> None:
        if self._channel is not None:
            await self._channel.close()
        await self._hosted.stop()

    async def write(
        self, service: str, stream: str, *events: Event, correlation: str = "", actor: Actor = CLIENT
    ) -> list[Recorded]:
        """Append events of a service."""
        reason = Provenance(actor, correlation=correlation)
        return await self.owners[service].store.write(lambda transaction: transaction.append(stream, events, reason))

    async def followed(self) -> None:
        """Wait until the log has every event."""
        await until_true(self._is_followed)

    async def query(self, **expected: Any) -> list[pb.LoggedEvent]:
        return list((await self.log.Query(pb.QueryRequest(**expected))).events)

    async def trace(self, identity: str) -> list[str]:
        """The types of the events of a trace, in order."""
        return [event.type for event in (await self.log.Trace(pb.TraceRequest(id=identity))).events]

    async def report(self) -> owner_pb2.ReportReply:
        reply: owner_pb2.ReportReply = await self.owner.Report(owner_pb2.ReportRequest())
        return reply

    async def _is_followed(self) -> bool:
        heads = [await owner.store.heads() for owner in self.owners.values()]
        return (await self.report()).counts["events"] == sum(sum(head.values()) for head in heads)

    def _event_log(self, host: Host) -> EventLog:
        self.event_log = build(host)
        return self.event_log

    def _owner(self, service: str) -> Callable[[Host], BareOwner]:
        def make(host: Host) -> BareOwner:
            self.owners[service] = BareOwner(host, service)
            return self.owners[service]

        return make
