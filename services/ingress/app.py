"""Connects the parts of the ingress."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy
import structlog

from services.ingress.adapters.account_states import DirectoryAccounts
from services.ingress.adapters.directory import FollowedDirectory
from services.ingress.domain.unknown_recipients import UnknownRecipients
from services.ingress.endpoints.dependencies import Dependencies
from services.ingress.endpoints.listeners import Listeners
from services.ingress.endpoints.servicer import IngressEndpoint
from services.ingress.endpoints.settled import SettledWorker
from services.ingress.endpoints.waiting import WaitingEndpoint
from services.ingress.handlers.acceptance import Acceptance
from services.ingress.handlers.bounce_admission import BounceAdmission
from services.ingress.handlers.checks import SenderChecks
from services.ingress.handlers.dialogue_refusals import DialogueRefusals
from services.ingress.handlers.erasure import IngressErasure
from services.ingress.handlers.holding import Holding
from services.ingress.handlers.list_admission import ListAdmission
from services.ingress.handlers.mailbox_room import MailboxRoom
from services.ingress.handlers.post_moderation import PostModeration
from services.ingress.handlers.receptions import Receptions
from services.ingress.handlers.refusals import Refusals
from services.ingress.handlers.releaser import Releaser
from services.ingress.handlers.repeater import Repeater
from services.ingress.handlers.schedule import Schedule
from services.ingress.handlers.stuck import stuck_mails
from services.ingress.handlers.submission_counts import SubmissionCounts
from services.ingress.handlers.submitted_reports import SubmittedReports
from services.ingress.handlers.submitted_test_mails import SubmittedTestMails
from services.ingress.handlers.waiting import WaitingLimits, WaitingSubmissions
from services.ingress.handlers.waiting_commands import WaitingCommands
from services.ingress.handlers.waiting_rights import WaitingRights
from services.ingress.projections.receptions import ReceptionProjection
from services.ingress.projections.submission_counts import SubmissionCountProjection
from services.ingress.projections.waiting import WaitingProjection
from services.ingress.settings import SECTIONS as SECTIONS
from services.ingress.settings import IngressSettings
from shared.dns.resolver import Resolver
from shared.dns.settings import ResolverSettings
from shared.eventstore.deadletters import DeadLetterProjection, DeadLetters
from shared.eventstore.event import Actor
from shared.grpc.servicers import Registration
from shared.owner.burial import Burial
from shared.owner.commit_bell import ring_at_commits
from shared.owner.follower import Follower
from shared.owner.health import note
from shared.owner.return_paths import KeptReturnPaths
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource
from shared.protocol.authres.identifier import canonical_id
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.ingress.v1.ingress_pb2_grpc import add_IngressServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.scans import ScanCounts
from shared.scripts.active import ActiveScripts
from shared.secrets.keyring import Keyring
from shared.server_settings import UndoSettings
from shared.service import Host
from shared.tls.renewed_certificate import RenewedCertificate

SERVICE = "ingress"
_PROJECTIONS = (ReceptionProjection, WaitingProjection, SubmissionCountProjection, DeadLetterProjection)
log = structlog.get_logger("ingress")
_MIB = 1024 * 1024
_ACTOR = Actor("service", SERVICE)


class Ingress:
    """The ingress as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._settings = settings = host.section(IngressSettings)
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, [made(metadata) for made in _PROJECTIONS])
        self.dead_letters = DeadLetters(self.store, host.ids)
        self.receptions = Receptions(self.store, settings.doubt_patience)
        schedule = Schedule(
            settings.repeat_first, settings.repeat_longest, settings.repeats_waiting, host.clock.monotonic
        )
        holding = Holding(self.receptions, schedule)
        self.burial = Burial(self.dead_letters, holding, _ACTOR)
        self.repeater = Repeater(host.bus, self.receptions, schedule, self.burial, settings, host.clock)
        undo_seconds = host.section(UndoSettings).undo_seconds
        limits = WaitingLimits(
            settings.future_release_days, settings.future_release_mails, settings.future_release_bytes
        )
        self.waiting = WaitingSubmissions(self.store, host.clock, undo_seconds, limits)
        self.releaser = Releaser(self.waiting, self.repeater, host.clock, _accounts(host))
        self.settled = SettledWorker(host.bus, self.receptions, self.repeater, self.burial)
        self._certificate = RenewedCertificate(SERVICE, host.places, host.clock, host.server.host)
        self.scripts = ActiveScripts(SERVICE, host.channel("mailstore", SERVICE), host.bus)
        self._resolver: Resolver | None = None
        self._dependencies = self._made(host, settings)
        self.listeners = Listeners(host, self._dependencies)
        self._erasure = self._new_erasure(host)
        self.registrations: Sequence[Registration] = (
            (add_IngressServicer_to_server, self._endpoint(host, holding)),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(
                    SERVICE,
                    self.store,
                    host.health(SERVICE, self.store),
                    self.dead_letters,
                    self._report,
                    self.receptions.blobs,
                ),
            ),
        )

    @property
    def follower(self) -> Follower:
        """The follower of the directory."""
        return self._dependencies.directory.follower

    async def start(self) -> None:
        """Open the store, follow the directory, publish unsettled mail, and listen."""
        await self._host.open_store(self.store)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        await self._dependencies.directory.start()
        await self._dependencies.mailbox_room.start()
        await self.scripts.start()
        await self.refusals.start()
        await self.burial.start()
        await self.repeater.start()
        self._dependencies.directory.on_switch = self.releaser.account_switched
        self.releaser.start()
        self.settled.start()
        server = self._host.server
        self._dependencies.tls = await self._certificate.start(server.tls_minimum)
        self._dependencies.tls_of_users = self._certificate.context(server.tls_minimum, (), server.client_authorities)
        await self.listeners.start()
        await self._erasure.worker.start()

    async def stop(self) -> None:
        """Accept no new connections, finish messages that are being accepted, and close."""
        await self.listeners.stop(self._settings.stop_grace)
        await self._erasure.worker.stop()
        await self._certificate.stop()
        await self.settled.stop()
        await self.releaser.stop()
        await self.repeater.stop()
        await self.burial.stop()
        await self._dependencies.mailbox_room.stop()
        await self.scripts.stop()
        await self._dependencies.directory.stop()
        await self.refusals.stop()
        if self._resolver is not None:
            await self._resolver.close()
        await self.store.close()

    def _made(self, host: Host, settings: IngressSettings) -> Dependencies:
        hostname = host.server.host
        authserv_id = settings.authserv_id or hostname
        resolving = host.section(ResolverSettings)
        self._resolver = Resolver(
            msgspec.structs.replace(resolving, addresses=settings.resolver or resolving.addresses), host.clock
        )
        channel = host.channel("directory", SERVICE)
        directory = FollowedDirectory(channel, host.bus)
        moderation = PostModeration(channel, host.channel("delivery", SERVICE))
        lists, counts = ListAdmission(directory, channel, moderation), SubmissionCounts(self.store, host.clock)
        checks = SenderChecks(self._resolver, host.clock, hostname, authserv_id)
        acceptance = self._acceptance(checks, directory, lists, counts)
        self.refusals = Refusals(self.store, host.clock, settings)
        ids = frozenset({canonical_id(authserv_id), canonical_id(hostname)})
        room = host.disk_room(SERVICE, settings.reserve_bytes, settings.reserve_percent)
        return Dependencies(
            settings,
            host.clock,
            host.ids,
            host.blobs,
            directory,
            checks,
            acceptance,
            self.refusals,
            self.waiting,
            room,
            ids,
            UnknownRecipients(settings.unknown_recipients),
            self._bounces(host, settings, directory),
            lists,
            MailboxRoom(host.channel("mailstore", SERVICE), host.bus, is_refusal_final=settings.refuse_full),
            counts,
        )

    def _acceptance(
        self, checks: SenderChecks, directory: FollowedDirectory, lists: ListAdmission, counts: SubmissionCounts
    ) -> Acceptance:
        host = self._host
        return Acceptance(
            host.server.host,
            host.clock,
            host.ids,
            host.blobs,
            checks,
            directory,
            self.receptions,
            self.repeater,
            self.waiting,
            self.releaser,
            self._settings.max_hops,
            lists,
            counts,
            DialogueRefusals(self.scripts, host.channel("delivery", SERVICE), self._settings.script_seconds),
        )

    def _new_erasure(self, host: Host) -> IngressErasure:
        directory, lag = host.channel("directory", SERVICE), self.follower.known_lag
        return IngressErasure(SERVICE, self.store, directory, host.bus, host.clock, lag)

    @staticmethod
    def _bounces(host: Host, settings: IngressSettings, directory: FollowedDirectory) -> BounceAdmission:
        return_paths = KeptReturnPaths(host.channel("directory", SERVICE), Keyring(host.places), host.clock)
        return BounceAdmission(return_paths, directory, host.clock, settings.forwarded_bounces)

    def _endpoint(self, host: Host, holding: Holding) -> IngressEndpoint:
        test_mails = SubmittedTestMails(
            host.server.host,
            host.clock,
            host.ids,
            host.blobs,
            self._dependencies.directory,
            self.receptions,
            self.repeater,
        )
        reports = SubmittedReports(self.receptions, self.repeater)
        commands = WaitingCommands(self.waiting, self.releaser, self.receptions)
        rights = WaitingRights(host.channel("directory", SERVICE), self.receptions)
        waiting = WaitingEndpoint(self.waiting, commands, self.receptions, rights)
        return IngressEndpoint(self.receptions, self.repeater, holding, reports, test_mails, waiting)

    async def _report(self) -> owner_pb2.ReportReply:
        counts = await self.receptions.count()
        counts |= {"accepted": self._dependencies.acceptance.count, "refused": self.refusals.count}
        counts |= {f"connections_{listener.kind.name}": len(listener) for listener in self.listeners.all}
        counts["scans_failed"] = ScanCounts.failed
        counts["disk_free_mib"] = self._dependencies.room.free // _MIB
        lag = {"directory": await self._dependencies.directory.lag()}
        state = f"takes no mail: {shortage}" if (shortage := self._dependencies.room.shortage()) else ""
        reply = owner_pb2.ReportReply(
            listeners=self.listeners.report(),
            counts=counts,
            lag=lag,
            state=state,
            descriptors=self._host.descriptors.limit,
            descriptors_needed=self._host.descriptors.needed,
        )
        note(reply, state, "free disk space, or lower ingress.reserve_bytes")
        async for what, advice in stuck_mails(self.receptions, self._host.clock, self._settings.stuck_after):
            note(reply, what, advice)
        return reply


def _accounts(host: Host) -> DirectoryAccounts:
    return DirectoryAccounts(host.channel("directory", SERVICE))


def build(host: Host) -> Ingress:
    """Create the service for a process that hosts it."""
    return Ingress(host)
