"""Connects the parts of the outbound queue."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import sqlalchemy

from services.outbound.adapters.connections import Connections, ConnectionSettings, TlsContexts
from services.outbound.adapters.demands import TlsDemands
from services.outbound.adapters.dnssec import DnssecProof
from services.outbound.adapters.own_addresses import own_addresses
from services.outbound.adapters.relay_probe import RelayProbe
from services.outbound.adapters.sending_directory import SendingDirectory
from services.outbound.adapters.signature_versions import SignatureVersions
from services.outbound.adapters.sts_fetch import PolicyFetcher
from services.outbound.adapters.tls_contexts import contexts_for, verifying_context
from services.outbound.adapters.transport import SmtpTransport
from services.outbound.domain.next_hop import HopRules
from services.outbound.domain.ready import HopLimits
from services.outbound.endpoints.servicer import OutboundEndpoint
from services.outbound.handlers.account_limits import AccountLimits
from services.outbound.handlers.ages import Ages
from services.outbound.handlers.attempts import Attempts
from services.outbound.handlers.commands import QueueCommands
from services.outbound.handlers.due import DueEntries
from services.outbound.handlers.enqueue import Enqueuer
from services.outbound.handlers.erasure import OutboundErasure
from services.outbound.handlers.family_refusals import FamilyRefusals
from services.outbound.handlers.forgetting import Forgetting
from services.outbound.handlers.holds import Holds
from services.outbound.handlers.limit_notices import LimitNotices
from services.outbound.handlers.mail_signatures import MailSignatures
from services.outbound.handlers.messages import MessagePreparer
from services.outbound.handlers.record import Recorder
from services.outbound.handlers.report_submitter import ReportSubmitter
from services.outbound.handlers.reports import Reports
from services.outbound.handlers.routes import Routes
from services.outbound.handlers.runner import Runner
from services.outbound.handlers.sts_policies import StsPolicies
from services.outbound.projections.holds import HoldProjection
from services.outbound.projections.limits import LimitProjection
from services.outbound.projections.queue import QueueProjection
from services.outbound.projections.reports import ReportProjection
from services.outbound.projections.sent import SentProjection
from services.outbound.projections.transport_security import TransportSecurityProjection
from services.outbound.settings import SECTIONS as SECTIONS
from services.outbound.settings import OutboundSettings
from shared.dns.resolver import Resolver
from shared.dns.settings import ResolverSettings
from shared.eventstore.deadletters import DeadLetterProjection
from shared.eventstore.event import Recorded
from shared.grpc.channel import for_stubs
from shared.grpc.guard import GuardedChannel
from shared.grpc.servicers import Registration
from shared.owner.addressees import Addressees
from shared.owner.commit_bell import ring_at_commits
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.outbound.v1.outbound_pb2_grpc import add_OutboundServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.secrets.keyring import Keyring
from shared.service import Host

SERVICE = "outbound"
_SMTP = 25
_PROJECTIONS = (
    QueueProjection,
    ReportProjection,
    HoldProjection,
    SentProjection,
    LimitProjection,
    TransportSecurityProjection,
    DeadLetterProjection,
)
_REFERENCES = (
    "SELECT entry, blob FROM queue WHERE entry > ? ORDER BY entry LIMIT 5000",
    "SELECT report, blob FROM report WHERE report > ? ORDER BY report LIMIT 5000",
)
"""Pages of what refers to blobs: open entries, and notifications that are not submitted."""


def _chance() -> float:
    return secrets.randbelow(1 << 20) / (1 << 20)


class Outbound:
    """The outbound queue as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings = settings = host.section(OutboundSettings)
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, tuple(kind(metadata) for kind in _PROJECTIONS))
        self._resolver = Resolver(host.section(ResolverSettings), host.clock)
        self._holds = Holds(self.store, host.ids)
        limits = AccountLimits(settings.sending_limits(), host.clock, releases=settings.release_limited)
        self._enqueuer = Enqueuer(self.store, self._holds, limits, host.ids, host.clock, settings.max_waiting)
        self._submitter = ReportSubmitter(self.store, host.channel("ingress", SERVICE))
        self._connections = Connections(_connection_settings(settings, host.server.host), _contexts(host))
        self._dnssec = DnssecProof(settings, host.section(ResolverSettings), host.clock)
        self._family_refusals = FamilyRefusals(host.clock)
        due = DueEntries(self.store)
        directory = for_stubs(GuardedChannel(host.channel("directory", SERVICE), "directory"))
        addressees = Addressees(directory)
        recorder = self._recorder(addressees)
        sending = SendingDirectory(directory, Keyring(host.places), host.clock)
        probe = RelayProbe(sending, self._resolver, self._connections)
        messages = MessagePreparer(
            host.blobs, host.clock, MailSignatures(SignatureVersions(directory)), host.server.host
        )
        self._erasure = OutboundErasure(SERVICE, self.store, directory, host.bus)
        self._runner = self._new_runner(due, recorder, sending, messages)
        self._ages = Ages(
            due, recorder, settings.schedule(), host.clock, self._runner.claiming, settings.age_look_seconds
        )
        self._limit_notices = LimitNotices(
            self.store, host.blobs, host.clock, host.ids, host.server.host, addressees.of_address
        )
        self._forgetting = Forgetting(self.store, host.clock, settings.kept_rows())
        commands = QueueCommands(self.store, due, recorder, host.clock, host.turns, self._runner.claiming)
        endpoint = OutboundEndpoint(
            self.store, self._enqueuer, commands, self._holds, self._runner, probe, settings.expire_days
        )
        health = host.health(SERVICE, self.store)
        owner = StoreOwner(SERVICE, self.store, health, report=self._report, blobs=self._referenced)
        self.registrations: Sequence[Registration] = (
            (add_OutboundServicer_to_server, endpoint),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (add_OwnerServicer_to_server, owner),
        )

    async def start(self) -> None:
        """Open the store and begin to send."""
        await self._host.open_store(self.store)
        await self._holds.start()
        await self._enqueuer.start()
        self.store.on_commit(self._committed)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        self._dnssec.start()
        self._runner.start()
        self._ages.start()
        self._limit_notices.start()
        self._forgetting.start()
        self._submitter.start()
        await self._erasure.worker.start()

    async def stop(self) -> None:
        """Finish the work in progress and close."""
        await self._erasure.worker.stop()
        await self._forgetting.stop()
        await self._limit_notices.stop()
        await self._ages.stop()
        await self._runner.stop()
        await self._submitter.stop()
        await self._dnssec.stop()
        await self._connections.close()
        await self._resolver.close()
        await self.store.close()

    def _committed(self, recorded: Sequence[Recorded]) -> None:
        self._holds.committed(recorded)
        self._enqueuer.committed(recorded)
        self._submitter.committed(recorded)
        self._runner.committed(recorded)

    def _recorder(self, addressees: Addressees) -> Recorder:
        host, schedule = self._host, self._settings.schedule()
        reports = Reports(host.blobs, schedule, host.clock, host.ids, host.server.host, addressees.at_once)
        return Recorder(self.store, reports, schedule, host.clock, _chance)

    def _new_runner(
        self, due: DueEntries, recorder: Recorder, sending: SendingDirectory, messages: MessagePreparer
    ) -> Runner:
        host, settings = self._host, self._settings
        rules = _rules(settings, host)
        limits = HopLimits(settings.per_destination)
        routes = Routes(sending.of, self._resolver, lambda: rules, limits, lambda: secrets.randbits(32))
        transport = SmtpTransport(self._connections, self._demands(), settings.attempt_time(), self._family_refusals)
        attempts = Attempts(messages, transport, recorder, settings.schedule(), host.clock, _chance)
        return Runner(due, routes, attempts, self._holds, settings, host.clock)

    def _demands(self) -> TlsDemands:
        settings = self._settings
        context = verifying_context(settings.tls_minimum, _authority(settings))
        allowed = settings.allowed_networks()
        fetcher = PolicyFetcher(self._resolver, context, allowed, settings.sts_port, settings.sts_seconds)
        policies = StsPolicies(self.store, self._resolver, fetcher.fetch, self._host.clock)
        return TlsDemands(self._resolver, self._dnssec.proven, policies, settings.tls_rules())

    async def _report(self) -> owner_pb2.ReportReply:
        sql = "SELECT state, count(*) FROM queue GROUP BY state"
        rows = await self.store.read_long(lambda reader: reader.all(sql))
        counts = {"waiting": 0, "held": 0} | {row[0]: row[1] for row in rows}
        counts |= {"queued": self._enqueuer.open_entries, "sending": self._runner.in_flight}
        state = ""
        if not self._settings.sending:
            state = "outbound.sending is off: mail to other servers is kept"
        elif self._holds.is_paused:
            reason = self._holds.pause_reason or "no reason given"
            state = f"sending is paused ({reason}); `mailfold queue resume` ends it"
        else:
            state = self._family_refusals.text()
        return owner_pb2.ReportReply(counts=counts, state=state)

    async def _referenced(self, generation: str) -> AsyncIterator[list[str]]:
        for sql in _REFERENCES:
            after = ""
            while rows := await self._page(sql, after):
                yield [blob for _, blob in rows if blob.startswith(f"{generation}/")]
                after = rows[-1][0]

    async def _page(self, sql: str, after: str) -> list[tuple[str, str]]:
        return [(row[0], row[1]) for row in await self.store.read(lambda reader: reader.all(sql, (after,)))]


def _rules(settings: OutboundSettings, host: Host) -> HopRules:
    return HopRules(
        frozenset(name.lower() for name in (host.server.host, *settings.own_names)),
        own_addresses() if settings.port == host.port(_SMTP) else frozenset(),
        settings.allowed_networks(),
        settings.port,
        settings.addresses_per_attempt,
        settings.ipv6,
    )


def _connection_settings(settings: OutboundSettings, hello_name: str) -> ConnectionSettings:
    return ConnectionSettings(
        hello_name,
        settings.connect_seconds,
        settings.connection_idle,
        settings.mails_per_connection,
        settings.handshake_seconds,
    )


def _contexts(host: Host) -> TlsContexts:
    settings = host.section(OutboundSettings)
    return contexts_for(settings.tls_minimum, host.clock, _authority(settings))


def _authority(settings: OutboundSettings) -> Path | None:
    return Path(settings.authority) if settings.authority else None


def build(host: Host) -> Outbound:
    """Create the service for a process that hosts it."""
    return Outbound(host)
