"""Connects the parts of the mailstore."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import sqlalchemy

from services.mailstore.endpoints.annotations import AnnotationsEndpoint
from services.mailstore.endpoints.applying import ApplyingEndpoint
from services.mailstore.endpoints.closings import ClosingsEndpoint
from services.mailstore.endpoints.documents import DocumentsEndpoint
from services.mailstore.endpoints.expiry import ExpiryEndpoint
from services.mailstore.endpoints.finding import FindingEndpoint
from services.mailstore.endpoints.foreign_annotations import ForeignAnnotations
from services.mailstore.endpoints.foreign_calls import ForeignMailboxes
from services.mailstore.endpoints.foreign_flags import ForeignStore
from services.mailstore.endpoints.foreign_placing import ForeignPlacing
from services.mailstore.endpoints.mailbox_sharing import MailboxSharingEndpoint
from services.mailstore.endpoints.maildrops import MaildropsEndpoint
from services.mailstore.endpoints.ordering import OrderingEndpoint
from services.mailstore.endpoints.own_seen import OwnSeenAnswers
from services.mailstore.endpoints.own_seen_store import OwnSeenStore
from services.mailstore.endpoints.quota import QuotaEndpoint
from services.mailstore.endpoints.reads import ReadsEndpoint
from services.mailstore.endpoints.removed import RemovedEndpoint
from services.mailstore.endpoints.scripts import ScriptsEndpoint
from services.mailstore.endpoints.servicer import MailstoreEndpoint
from services.mailstore.endpoints.session_guard import SessionGuard
from services.mailstore.finding.matches import QuerySearch
from services.mailstore.finding.order import MatchOrder
from services.mailstore.finding.query import MailQueries
from services.mailstore.finding.shown import MatchReader
from services.mailstore.handlers import closing, grant_endings, script_rows
from services.mailstore.handlers.access_lists import AccessLists
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.all_mail_upkeep import AllMailUpkeep
from services.mailstore.handlers.annotations import AnnotationCommands, annotation_text
from services.mailstore.handlers.checked_store import checked_store
from services.mailstore.handlers.doorbells import ring_for
from services.mailstore.handlers.erasure import Eraser
from services.mailstore.handlers.erasure_step import MailstoreErasure
from services.mailstore.handlers.expiry import Expiry, ExpiryRules
from services.mailstore.handlers.expiry_commands import ExpiryCommands
from services.mailstore.handlers.forgetting import UndeleteWindow
from services.mailstore.handlers.held_rights import Holders
from services.mailstore.handlers.mailbox_script_filing import MailboxScriptFiling
from services.mailstore.handlers.mailbox_script_runs import MailboxScriptRuns
from services.mailstore.handlers.mailbox_script_sending import MailboxScriptSending
from services.mailstore.handlers.maildrops import Maildrops
from services.mailstore.handlers.messages import MessageCommands
from services.mailstore.handlers.own_seen import OwnSeen
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.placing_elsewhere import MessagesElsewhere
from services.mailstore.handlers.quota_notices import QuotaNotices
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.reads import ReadRecords
from services.mailstore.handlers.removed import RemovedMessages
from services.mailstore.handlers.restoring import Restoring
from services.mailstore.handlers.script_announcing import ScriptAnnouncing
from services.mailstore.handlers.script_application_runner import ApplicationRunner
from services.mailstore.handlers.script_applications import ScriptApplications
from services.mailstore.handlers.script_decisions import ScriptDecisions
from services.mailstore.handlers.script_dry_run import DryRuns
from services.mailstore.handlers.script_filing import ScriptFiling
from services.mailstore.handlers.script_messages import ScriptMessages
from services.mailstore.handlers.scripts import ScriptCommands
from services.mailstore.handlers.shared_mailboxes import SharedMailboxes
from services.mailstore.handlers.sharing_book import SharingBook
from services.mailstore.handlers.views import Views
from services.mailstore.listing.builder import ListingBuilder
from services.mailstore.listing.pages import Listing
from services.mailstore.listing.summaries import Summaries
from services.mailstore.ordering.memory import MEGAOCTET
from services.mailstore.projections.annotations import AnnotationProjection
from services.mailstore.projections.closing import ClosingProjection
from services.mailstore.projections.expiry import ExpiringMailboxProjection
from services.mailstore.projections.mailbox_rights import MailboxRightsProjection
from services.mailstore.projections.mailbox_scripts import MailboxScriptProjection
from services.mailstore.projections.mailboxes import MailboxProjection
from services.mailstore.projections.own_seen import OwnSeenProjection
from services.mailstore.projections.quota_warnings import QuotaWarningProjection
from services.mailstore.projections.script_applications import ScriptApplicationProjection
from services.mailstore.projections.scripts import ScriptProjection
from services.mailstore.projections.uid_validity import UidValidityProjection
from services.mailstore.projections.unique_ids import UniqueIdProjection
from services.mailstore.search.scan import Searcher
from services.mailstore.search.text_index import TextIndex
from services.mailstore.settings import SECTIONS as SECTIONS
from services.mailstore.settings import MailstoreSettings
from shared.eventstore.deadletters import DeadLetterProjection
from shared.eventstore.transaction import Projection
from shared.grpc.channel import Channel
from shared.grpc.servicers import Registration
from shared.owner.commit_bell import ring_at_commits
from shared.owner.servicer import StoreOwner
from shared.owner.source import StoreSource
from shared.owner.stored_follower import StoredFollower
from shared.rpc.mailfold.events.v1.events_pb2_grpc import add_EventSourceServicer_to_server
from shared.rpc.mailfold.mailstore.v1.annotations_pb2_grpc import add_AnnotationsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.applying_pb2_grpc import add_ApplyingServicer_to_server
from shared.rpc.mailfold.mailstore.v1.closings_pb2_grpc import add_ClosingsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import add_DocumentsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.expiry_pb2_grpc import add_ExpiryServicer_to_server
from shared.rpc.mailfold.mailstore.v1.finding_pb2_grpc import add_FindingServicer_to_server
from shared.rpc.mailfold.mailstore.v1.maildrops_pb2_grpc import add_MaildropsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import add_MailstoreServicer_to_server
from shared.rpc.mailfold.mailstore.v1.ordering_pb2_grpc import add_OrderingServicer_to_server
from shared.rpc.mailfold.mailstore.v1.quota_pb2_grpc import add_QuotaServicer_to_server
from shared.rpc.mailfold.mailstore.v1.reads_pb2_grpc import add_ReadsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.removed_pb2_grpc import add_RemovedServicer_to_server
from shared.rpc.mailfold.mailstore.v1.scripts_pb2_grpc import add_ScriptsServicer_to_server
from shared.rpc.mailfold.mailstore.v1.sharing_pb2_grpc import add_MailboxSharingServicer_to_server
from shared.rpc.mailfold.owner.v1 import owner_pb2
from shared.rpc.mailfold.owner.v1.owner_pb2_grpc import add_OwnerServicer_to_server
from shared.scripts.owner import ScriptOwners
from shared.scripts.programs import Programs
from shared.scripts.script_work import ScriptWork
from shared.scripts.settings import SieveSettings
from shared.service import Host

SERVICE = "mailstore"
_REFERENCED = (
    "SELECT blob FROM entry WHERE blob > ? AND blob LIKE ?"
    " UNION SELECT blob FROM removed_entry WHERE blob > ? AND blob LIKE ? ORDER BY blob LIMIT 5000"
)
"""The blobs of messages, and of removed messages that can be restored."""


def projections(metadata: sqlalchemy.MetaData) -> Sequence[Projection]:
    """The projections of the mailstore."""
    return (
        MailboxProjection(metadata),
        UidValidityProjection(metadata),
        ClosingProjection(metadata),
        QuotaWarningProjection(metadata),
        ExpiringMailboxProjection(metadata),
        AnnotationProjection(metadata),
        UniqueIdProjection(metadata),
        MailboxRightsProjection(metadata),
        OwnSeenProjection(metadata),
        MailboxScriptProjection(metadata),
        ScriptProjection(metadata),
        ScriptApplicationProjection(metadata),
        DeadLetterProjection(metadata),
    )


class Mailstore:
    """The mailstore as a running service."""

    def __init__(self, host: Host) -> None:
        self._host = host
        metadata = sqlalchemy.MetaData()
        self.store = host.event_store(SERVICE, metadata, projections(metadata))
        directory = host.channel("directory", SERVICE)
        self._listing = Listing(None if host.reads_only else host.places.listing)
        self._builder = ListingBuilder(SERVICE, self.store, host.blobs, self._listing, host.turns)
        followed = SERVICE, self.store, directory, host.bus
        self._closings = StoredFollower(*followed, closing.CURSOR, closing.AREAS, apply=closing.close_or_reopen)
        self._endings = StoredFollower(
            *followed, grant_endings.CURSOR, grant_endings.AREAS, apply=grant_endings.end_grants, long=True
        )
        self.book = SharingBook(SERVICE, directory, host.bus)
        self._holders = Holders(self.book)
        self._eraser = Eraser(SERVICE, self.store)
        self._erasure = MailstoreErasure(SERVICE, self.store, directory, host.bus, self._builder.tidy_all)
        limits = host.section(MailstoreSettings)
        self._index = TextIndex(host.channel("indexer", SERVICE), limits.index_seconds)
        quotas = Quotas(directory, host.clock)
        self._decisions = self._script_decisions(directory)
        mailboxes = MailboxCommands(host.ids, host.clock, limits)
        filing = ScriptFiling(mailboxes, host.ids, limits)
        self._application_work = ScriptWork(host.clock, limits.application_work * 1_000_000)
        self.applications = ApplicationRunner(self.store, self._decisions, filing, quotas, self._application_work)
        self._quota_notices = QuotaNotices(
            self.store,
            host.blobs,
            directory,
            host.channel("ingress", SERVICE),
            host.server.host,
        )
        rules = ExpiryRules(directory)
        self.expiry = Expiry(self.store, rules, host.clock, limits.expiry_seconds, host.ids)
        self.forgetting = UndeleteWindow(self.store, host.clock, limits.undelete_days, limits.expiry_seconds)
        self.mailbox_scripts = self._mailbox_scripts(quotas, limits, directory)
        self.all_mail = AllMailUpkeep(
            SERVICE, self.store, directory, host.bus, host.ids, host.clock, limits.all_mail_name
        )
        self.registrations: Sequence[Registration] = self._guarded(
            (add_MailstoreServicer_to_server, self._endpoint(mailboxes, quotas, limits)),
            *self._further(rules, Owners(directory), quotas, limits),
            foreign=self._foreign(quotas, limits),
        )

    def _endpoint(self, mailboxes: MailboxCommands, quotas: Quotas, limits: MailstoreSettings) -> MailstoreEndpoint:
        host = self._host
        messages = MessageCommands(host.ids, host.clock, limits)
        return MailstoreEndpoint(
            checked_store(self.store),
            host.blobs,
            host.ids,
            host.clock,
            mailboxes,
            messages,
            quotas,
            limits,
            host.turns,
            self._listing,
            self._index,
        )

    @staticmethod
    def _guarded(*registrations: Registration, foreign: ForeignMailboxes) -> Sequence[Registration]:
        """The contracts behind the guard that protects mailboxes from the sessions of others."""
        return [(register, SessionGuard(servicer, foreign)) for register, servicer in registrations]

    def _foreign(self, quotas: Quotas, limits: MailstoreSettings) -> ForeignMailboxes:
        host, store = self._host, self.store
        summaries = Summaries(store, host.blobs, host.turns, self._listing)
        messages = MessageCommands(host.ids, host.clock, limits)
        checked = checked_store(store)
        elsewhere = MessagesElsewhere(checked, messages, summaries, host.ids)
        placing = ForeignPlacing(store, self._holders, elsewhere, quotas)
        annotations = ForeignAnnotations(store, self._holders, AnnotationCommands(checked, limits, host.clock))
        flags, views, own = ForeignStore(store), Views(store, host.turns), OwnSeen(store, host.turns)
        own_flags = OwnSeenStore(checked, own, flags, views)
        answers = OwnSeenAnswers(own, views, own_flags)
        return ForeignMailboxes(store, self._holders, placing, annotations, flags, own_flags, answers)

    def _sharing(self, owners: Owners, limits: MailstoreSettings) -> MailboxSharingEndpoint:
        lists = AccessLists(self.store, self._holders, limits.access_entries, own_seen=limits.own_seen)
        return MailboxSharingEndpoint(lists, SharedMailboxes(self.store, self._holders, self._host.turns), owners)

    def _further(
        self, rules: ExpiryRules, owners: Owners, quotas: Quotas, limits: MailstoreSettings
    ) -> Sequence[Registration]:
        host = self._host
        ordering = OrderingEndpoint(self.store, host.blobs, host.turns, limits, self._listing, self._index)
        self.store.on_commit(ordering.kept.committed)
        return (
            (add_OrderingServicer_to_server, ordering),
            (add_DocumentsServicer_to_server, DocumentsEndpoint(self.store, host.turns)),
            (add_ClosingsServicer_to_server, ClosingsEndpoint(self.store)),
            (
                add_ExpiryServicer_to_server,
                ExpiryEndpoint(ExpiryCommands(self.store, rules, host.clock, limits), owners),
            ),
            (add_FindingServicer_to_server, self._finding(owners, limits)),
            (add_RemovedServicer_to_server, self._removed(owners, quotas, limits)),
            (add_ScriptsServicer_to_server, self._scripts(owners, quotas)),
            (add_ApplyingServicer_to_server, self._applying(owners, limits)),
            (add_ReadsServicer_to_server, ReadsEndpoint(ReadRecords(self.store, host.clock))),
            (add_QuotaServicer_to_server, QuotaEndpoint(self.store)),
            (add_MaildropsServicer_to_server, self._maildrops(owners)),
            (
                add_AnnotationsServicer_to_server,
                AnnotationsEndpoint(AnnotationCommands(self.store, limits, host.clock), owners),
            ),
            (add_MailboxSharingServicer_to_server, self._sharing(owners, limits)),
            (add_EventSourceServicer_to_server, StoreSource(self.store)),
            (
                add_OwnerServicer_to_server,
                StoreOwner(
                    SERVICE,
                    self.store,
                    host.health(SERVICE, self.store),
                    report=self._report,
                    blobs=self._referenced_blobs,
                ),
            ),
        )

    def _finding(self, owners: Owners, limits: MailstoreSettings) -> FindingEndpoint:
        host, store = self._host, self.store
        searcher = Searcher(store, host.blobs, host.turns, limits.search_texts, self._listing, self._index)
        octets = limits.query_read_megaoctets * MEGAOCTET
        queries = MailQueries(
            store,
            QuerySearch(store, searcher, host.turns, limits.query_reads, octets),
            MatchOrder(store, host.turns, self._index),
            MatchReader(store, host.blobs, host.turns),
        )
        return FindingEndpoint(queries, owners, ReadRecords(store, host.clock), host.clock)

    def _maildrops(self, owners: Owners) -> MaildropsEndpoint:
        host = self._host
        return MaildropsEndpoint(
            Maildrops(self.store, Summaries(self.store, host.blobs, host.turns, self._listing), host.turns), owners
        )

    def _mailbox_scripts(self, quotas: Quotas, limits: MailstoreSettings, directory: Channel) -> MailboxScriptRuns:
        host, settings = self._host, self._host.section(SieveSettings)
        return MailboxScriptRuns(
            self.store,
            ScriptMessages(host.blobs, host.turns),
            Programs(settings.extensions, settings.limits),
            ScriptOwners(directory),
            quotas,
            MailboxScriptFiling(MailboxCommands(host.ids, host.clock, limits), host.ids, limits),
            MailboxScriptSending(host.channel("delivery", SERVICE)),
            host.clock,
            ScriptWork(host.clock, settings.work_per_hour),
        )

    def _removed(self, owners: Owners, quotas: Quotas, limits: MailstoreSettings) -> RemovedEndpoint:
        host = self._host
        removed = RemovedMessages(self.store, host.blobs, host.turns)
        return RemovedEndpoint(removed, Restoring(self.store, host.ids, limits), owners, quotas, limits, host.clock)

    def _scripts(self, owners: Owners, quotas: Quotas) -> ScriptsEndpoint:
        settings = self._host.section(SieveSettings)
        return ScriptsEndpoint(
            self.store,
            ScriptCommands(self.store, quotas, self._host.clock, settings),
            owners,
            settings,
            ScriptAnnouncing(self._host.channel("delivery", SERVICE)).announce,
        )

    def _script_decisions(self, directory: Channel) -> ScriptDecisions:
        host, sieve = self._host, self._host.section(SieveSettings)
        return ScriptDecisions(
            self.store,
            ScriptMessages(host.blobs, host.turns),
            Programs(sieve.extensions, sieve.limits),
            ScriptOwners(directory),
            script_rows.source,
            host.turns,
            annotation_text,
        )

    def _applying(self, owners: Owners, limits: MailstoreSettings) -> ApplyingEndpoint:
        host = self._host
        applications = ScriptApplications(
            self.store,
            self._decisions,
            self.applications,
            script_rows.source,
            host.ids,
            host.clock,
            self._application_work,
            limits.script_applications,
        )
        dry_runs = DryRuns(self.store, self._decisions, host.clock, self._application_work)
        return ApplyingEndpoint(applications, dry_runs, owners, host.section(SieveSettings).script_octets)

    async def start(self) -> None:
        """Open the store and begin to ring doorbells."""
        await self._host.open_store(self.store)
        ring_at_commits(self._host.bus, SERVICE, self.store)
        self.store.on_commit(lambda recorded: ring_for(self._host.bus, recorded))
        self._listing.open(self._builder.lacks)
        if not self._host.reads_only:
            await self._start_tasks()

    async def stop(self) -> None:
        """Finish the work in progress and close."""
        await self._erasure.worker.stop()
        await self.applications.stop()
        await self.mailbox_scripts.stop()
        await self.all_mail.stop()
        await self.expiry.stop()
        await self.forgetting.stop()
        await self._quota_notices.stop()
        await self._closings.stop()
        await self._endings.stop()
        await self.book.follower.stop()
        await self._eraser.stop()
        await self._builder.stop()
        await self._listing.close()
        await self.store.close()

    async def _start_tasks(self) -> None:
        tasks = (
            self._eraser,
            self._quota_notices,
            self.expiry,
            self.applications,
            self.mailbox_scripts,
            self._builder,
        )
        for task in tasks:
            self.store.on_commit(task.committed)
            task.start()
        self.store.on_commit(self.all_mail.committed)
        await self.all_mail.start()
        self.forgetting.start()
        await self._closings.start()
        await self._endings.start()
        await self.book.start()
        await self._erasure.worker.start()

    async def _report(self) -> owner_pb2.ReportReply:
        row = await self.store.read(
            lambda reader: reader.first_row(
                "SELECT count(*), coalesce(sum(messages), 0), coalesce(sum(used), 0) FROM account"
            )
        )
        accounts, messages, used = row or (0, 0, 0)
        counts = {
            "accounts": accounts,
            "messages": int(messages),
            "bytes": int(used),
            "searches_indexed": self._index.answered,
            "searches_without_index": self._index.unanswered,
        }
        state = f"searches read messages: {self._index.trouble}" if self._index.trouble else ""
        return owner_pb2.ReportReply(counts=counts, lag={"directory": await self._lag()}, state=state)

    async def _lag(self) -> int:
        """The most events of the directory that one of the followers does not know yet; -1 when it does not answer."""
        lags = [await follower.lag() for follower in (self._closings, self._endings, self.book)]
        return -1 if min(lags) < 0 else max(lags)

    async def _referenced_blobs(self, generation: str) -> AsyncIterator[list[str]]:
        after = ""
        while True:
            rows = await self.store.read_long(
                lambda reader, after=after: reader.all(_REFERENCED, 2 * (after, f"{generation}/%"))  # type: ignore[misc]
            )
            if not rows:
                return
            yield [row[0] for row in rows]
            after = rows[-1][0]


def build(host: Host) -> Mailstore:
    """Create the service for a process that hosts it."""
    return Mailstore(host)
