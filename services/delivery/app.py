"""Connects the parts of delivery."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import sqlalchemy

from services.delivery.endpoints.dry_runs import DryRunsEndpoint
from services.delivery.endpoints.held_posts import HeldPostsEndpoint
from services.delivery.endpoints.refusals import RefusalsEndpoint
from services.delivery.endpoints.script_changes import ScriptChangesEndpoint
from services.delivery.endpoints.script_sending import ScriptSendingEndpoint
from services.delivery.endpoints.servicer import DeliveryEndpoint
from services.delivery.endpoints.worker import DeliveryWorker
from services.delivery.handlers import held_post_rows
from services.delivery.handlers.deliver import ACTOR, Deliverer
from services.delivery.handlers.delivery_trials import DeliveryTrials
from services.delivery.handlers.erasure import DeliveryErasure
from services.delivery.handlers.list_copies import ListCopies
from services.delivery.handlers.list_posts import ListPosts
from services.delivery.handlers.moderation import Moderation
from services.delivery.handlers.moderation_mails import ModerationMails
from services.delivery.handlers.moderation_notices import ModerationNotices
from services.delivery.handlers.moderation_upkeep import ModerationUpkeep
from services.delivery.handlers.notices import Notices
from services.delivery.handlers.past_mails import PastMails
from services.delivery.handlers.posts import Posts
from services.delivery.handlers.recipient_routes import RecipientRoutes
from services.delivery.handlers.refusal_forecast import RefusalForecast
from services.delivery.handlers.script_effects import ScriptEffects
from services.delivery.handlers.script_mails import ScriptMails
from services.delivery.handlers.script_memories import ScriptMemories
from services.delivery.handlers.script_redirects import ScriptRedirects
from services.delivery.handlers.script_replies import DailyLimits, ScriptReplies
from services.delivery.handlers.script_runs import ScriptKnowledge, ScriptRuns
from services.delivery.handlers.script_sending import ScriptSending
from services.delivery.handlers.scripted_planning import ScriptedPlanning
from services.delivery.handlers.sent_copies import SentCopies
from services.delivery.handlers.trial_sources import TrialSources
from services.delivery.projections.held_posts import HeldPostProjection
from services.delivery.projections.plans import PlanProjection, decode_steps
from services.delivery.projections.script_memories import ScriptMemoryProjection
from services.delivery.settings import SECTIONS as SECTIONS
from services.delivery.settings import DeliverySettings
from shared.eventstore.connection import Reader
from shared.eventstore.deadletters import DeadLetterProjection, DeadLetters
from shared.grpc.channel import Channel, for_stubs
from shared.grpc.guard import GuardedChannel
from shared.grpc.servicers import Registration
from shared.owner.addressees import AddresseeOf, Addressees
from shared.owner.burial import Burial, ingress_hold
from shared.owner.commit_bell import ring_at_commits
from shared.owner.followed_book import FollowedBook
from shared.owner.mail_owners import Owners
from shared.owner.return_paths import KeptReturnPaths
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource
from shared.rpc.mailfold.delivery.v1.delivery_pb2_grpc import add_DeliveryServicer_to_server
from shared.rpc.mailfold.delivery.v1.dryruns_pb2_grpc import add_DryRunsServicer_to_server
from shared.rpc.mailfold.delivery.v1.heldposts_pb2_grpc import add_HeldPostsServicer_to_server
from shared.rpc.mailfold.delivery.v1.refusals_pb2_grpc import add_RefusalsServicer_to_server
from shared.rpc.mailfold.delivery.v1.scriptchanges_pb2_grpc import add_ScriptChangesServicer_to_server
from shared.rpc.mailfold.delivery.v1.scriptsending_pb2_grpc import add_ScriptSendingServicer_to_server
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.scripts.active import ActiveScripts
from shared.scripts.owner import ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.script_work import ScriptWork
from shared.scripts.settings import SieveSettings
from shared.scripts.sources import ScriptSources
from shared.secrets.keyring import Keyring
from shared.service import Host

SERVICE = "delivery"
_PROJECTIONS = (PlanProjection, DeadLetterProjection, HeldPostProjection, ScriptMemoryProjection)
_PATIENCE = 5.0
"""Seconds for which the start waits until it is known which accounts have scripts; then mail waits for it."""


class Delivery:
    """Delivery as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, [made(metadata) for made in _PROJECTIONS])
        self._book = FollowedBook(SERVICE, _guarded(host, "directory"), host.bus)
        directory = _guarded(host, "directory")
        addressee_of = Addressees(directory).at_once
        notices = Notices(host.blobs, self._book, host.clock, host.ids, host.server.host, addressee_of)
        mailstore, outbound = _guarded(host, "mailstore"), _guarded(host, "outbound")
        return_paths = KeptReturnPaths(directory, Keyring(host.places), host.clock)
        routes = RecipientRoutes(self.store, self._book, return_paths)
        self.memories = ScriptMemories(self.store, host.clock)
        self.effects = self._effects(routes, addressee_of, mailstore)
        moderation = Moderation(self.store, directory, return_paths, host.clock)
        self.scripts = ActiveScripts(SERVICE, mailstore, host.bus)
        runs = self._runs(directory, mailstore)
        planning = ScriptedPlanning(runs, self.effects, host.blobs)
        lists = ListPosts(self._book, directory, Posts(host.blobs), return_paths, moderation, planning)
        copies = ListCopies(directory, mailstore, outbound, host.clock, moderation, self.effects)
        deliverer = Deliverer(
            self.store, routes, notices, mailstore, outbound, host.clock, lists, copies, planning, self.effects
        )
        self._moderation = self._upkeep(directory, return_paths, deliverer)
        dead_letters = DeadLetters(self.store, host.ids)
        self._burial = Burial(dead_letters, ingress_hold(host.channel("ingress", SERVICE)), ACTOR)
        self._erasure = DeliveryErasure(
            SERVICE, self.store, host.channel("directory", SERVICE), host.bus, self.memories
        )
        self._worker = DeliveryWorker(host.bus, deliverer, self._burial)
        sending = ScriptSending(self.store, host.blobs, self.effects, Addressees(directory), outbound, host.ids)
        self.registrations: Sequence[Registration] = (
            *self._registrations(dead_letters, moderation),
            (add_ScriptSendingServicer_to_server, ScriptSendingEndpoint(sending)),
            (add_ScriptChangesServicer_to_server, ScriptChangesEndpoint(self.scripts)),
            (add_RefusalsServicer_to_server, RefusalsEndpoint(RefusalForecast(routes, runs, host.blobs))),
            (add_DryRunsServicer_to_server, self._dry_runs(directory, mailstore)),
        )

    def _registrations(self, dead_letters: DeadLetters, moderation: Moderation) -> Sequence[Registration]:
        return (
            (add_DeliveryServicer_to_server, DeliveryEndpoint(self.store)),
            (add_HeldPostsServicer_to_server, HeldPostsEndpoint(self.store, moderation)),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(
                    SERVICE,
                    self.store,
                    self._host.health(SERVICE, self.store),
                    dead_letters,
                    self._report,
                    self._referenced_blobs,
                ),
            ),
        )

    async def start(self) -> None:
        """Open the store, follow the directory, and begin to take mails."""
        await self._host.open_store(self.store)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        self.store.on_commit(self._moderation.committed)
        await self._book.start()
        await self._burial.start()
        await self.scripts.start()
        await self.scripts.wait(_PATIENCE)
        self._worker.start(self._host.section(DeliverySettings).concurrency)
        self._moderation.start()
        await self._erasure.worker.start()

    async def stop(self) -> None:
        """Finish the work in progress and close."""
        await self._erasure.worker.stop()
        await self._moderation.stop()
        await self._worker.stop()
        await self.scripts.stop()
        await self._burial.stop()
        await self._book.stop()
        await self.store.close()

    def _effects(self, routes: RecipientRoutes, addressee_of: AddresseeOf, mailstore: Channel) -> ScriptEffects:
        host, settings = self._host, self._host.section(DeliverySettings)
        ingress = _guarded(host, "ingress")
        mails = ScriptMails(host.blobs, ingress, addressee_of, host.clock, host.ids, host.server.host)
        redirects = ScriptRedirects(self._book, routes, self.memories, mails, settings.redirects_per_day)
        limits = DailyLimits(settings.answers_per_day, settings.notifications_per_day)
        answers = ScriptReplies(self._book, self.memories, mails, limits)
        copies = SentCopies(self.memories, mailstore, host.clock)
        return ScriptEffects(self.memories, mails, redirects, answers, copies)

    def _runs(self, directory: Channel, mailstore: Channel) -> ScriptRuns:
        host, settings = self._host, self._host.section(SieveSettings)
        self._known = ScriptKnowledge(
            self.scripts,
            ScriptSources(mailstore),
            Programs(settings.extensions, settings.limits),
            ScriptOwners(directory),
            self.memories,
            ScriptWork(host.clock, settings.work_per_hour),
            directory,
            self._book,
        )
        return ScriptRuns(self._known, mailstore, host.clock, host.server.host, ends_at_keep=settings.keep_ends)

    def _dry_runs(self, directory: Channel, mailstore: Channel) -> DryRunsEndpoint:
        host, settings = self._host, self._host.section(SieveSettings)
        sources = TrialSources(self._known, mailstore, host.blobs, host.server.host, ends_at_keep=settings.keep_ends)
        trials = DeliveryTrials(sources, PastMails(_guarded(host, "eventlog")), self.store, host.clock)
        return DryRunsEndpoint(trials, Owners(directory), host.clock, settings.script_octets)

    def _upkeep(self, directory: Channel, return_paths: KeptReturnPaths, deliverer: Deliverer) -> ModerationUpkeep:
        host, of_address = self._host, Addressees(directory).at_once
        ingress = _guarded(host, "ingress")
        mails = ModerationMails(host.blobs, ingress, return_paths, of_address, host.clock, host.server.host)
        interval = host.section(DeliverySettings).moderation_interval
        notices = ModerationNotices(self.store, directory, mails, host.clock, host.ids, interval)
        return ModerationUpkeep(self.store, self._book, deliverer, notices, mails, host.clock)

    async def _report(self) -> owner_pb2.ReportReply:
        counts = await self.store.read(_counts)
        return owner_pb2.ReportReply(counts=counts, lag={"directory": await self._book.lag()})

    async def _referenced_blobs(self, generation: str) -> AsyncIterator[list[str]]:
        rows = await self.store.read(lambda reader: reader.all("SELECT steps FROM plan"))
        blobs = {
            blob
            for row in rows
            for step in decode_steps(bytes(row[0]))
            for blob in (step.blob, step.edited)
            if blob.startswith(f"{generation}/")
        }
        blobs.update(await self.store.read(lambda reader: held_post_rows.blobs(reader, generation)))
        if blobs:
            yield sorted(blobs)


def _counts(reader: Reader) -> dict[str, int]:
    tables = {"plans_in_hand": "plan", "held_posts": "held_post"}
    rows = {name: reader.first_row(f"SELECT count(*) FROM {table}") for name, table in tables.items()}  # noqa: S608
    return {name: int(row[0]) if row else 0 for name, row in rows.items()}


def _guarded(host: Host, service: str) -> Channel:
    """A channel that fails fast while the service hangs, so that mail for other services is not blocked."""
    return for_stubs(GuardedChannel(host.channel(service, SERVICE), service))


def build(host: Host) -> Delivery:
    """Create the service for a process that hosts it."""
    return Delivery(host)
