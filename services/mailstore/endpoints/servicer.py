"""Serves the Mailstore contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from services.mailstore.domain.flags import SEEN, parse
from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.endpoints import wire
from services.mailstore.endpoints.all_mail_calls import AllMailCalls
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers import load, queries
from services.mailstore.handlers.accounts import MailboxCommands, ensure_open
from services.mailstore.handlers.all_mail import INTO, is_all_mail
from services.mailstore.handlers.changed_mailboxes import changed_mailboxes
from services.mailstore.handlers.deleted import deleted_size
from services.mailstore.handlers.fetch import Fetcher, Mark, MessageRow, RequestedAttributes
from services.mailstore.handlers.messages import Key, MessageCommands, OldMessage
from services.mailstore.handlers.paged import ALL, PagedCommands
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.views import Views
from services.mailstore.listing.pages import Listing
from services.mailstore.search.relevancy import Relevancy
from services.mailstore.search.scan import Searcher
from services.mailstore.search.text_index import TextIndex
from services.mailstore.settings import MailstoreSettings
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import acting, current_provenance
from shared.grpc.errors import NotFound, NotNow, Unavailable
from shared.ids import Ids
from shared.protocol.imap.ranges import Ranges, common, count, ranges
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreServicer
from shared.turns import Turns

T = TypeVar("T")
_MODES = {pb.StoreRequest.ADD: "add", pb.StoreRequest.REMOVE: "remove", pb.StoreRequest.REPLACE: "replace"}


class MailstoreEndpoint(MailstoreServicer):
    """Turns requests into units of work and reads."""

    def __init__(
        self,
        store: EventStore,
        blobs: Blobs,
        ids: Ids,
        clock: Clock,
        mailboxes: MailboxCommands,
        messages: MessageCommands,
        quotas: Quotas,
        limits: MailstoreSettings,
        turns: Turns,
        listing: Listing,
        index: TextIndex | None = None,
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._mailboxes = mailboxes
        self._messages = messages
        self._quotas = quotas
        self._limits = limits
        self._views = Views(store, turns)
        self._paged = PagedCommands(store, mailboxes, messages)
        self._fetcher = Fetcher(store, blobs, turns, listing)
        self._all_mail = AllMailCalls(store, self._views, messages, self)
        self._turns = turns
        self._relevancy = Relevancy(index)
        self._searcher = Searcher(store, blobs, turns, limits.search_texts, listing, index)

    async def Deliver(self, request: pb.DeliverRequest, context: Any) -> pb.DeliverReply:
        key = Key(request.queue_id, request.recipient, request.index)
        message, requested = wire.delivered(request), wire.place(request)
        quota = QuotaLimits(request.quota_bytes, request.quota_messages)
        try:
            done = await self._write(
                lambda tx, provenance: self._messages.deliver(
                    tx, request.account, key, requested, message, quota, provenance
                )
            )
        except NotFound as gone:
            if gone.reason == "CLOSED" and await self._quotas.has_account(request.account):
                raise Unavailable("the account was restored a moment ago; try again", "CLOSED") from gone
            raise
        return pb.DeliverReply(
            entry=done.entry, mailbox=done.mailbox, uid=done.uid, repeated=done.repeated, mailbox_name=done.mailbox_name
        )

    async def OpenAccount(self, request: pb.OpenAccountRequest, context: Any) -> pb.OpenAccountReply:
        account = request.account
        if not await self._store.read(lambda reader: load.is_open(reader, account)):
            mailboxes = self._limits.default_mailboxes()
            await self._write(
                lambda tx, provenance: ensure_open(tx, account, self._ids, self._clock, mailboxes, provenance)
            )
        return pb.OpenAccountReply(version=await self._store.read(lambda reader: queries.version_of(reader, account)))

    async def ListMailboxes(self, request: pb.ListMailboxesRequest, context: Any) -> pb.MailboxList:
        account = request.account
        if request.id or request.name:
            only = await self._store.read(lambda reader: load.mailbox_if_any(reader, account, request.id, request.name))
            return pb.MailboxList(mailboxes=[wire.mailbox(state) for state in only])
        # Read the version first, so that a commit in between is not taken for older than the answer.
        reply = pb.MailboxList(version=await self._store.read(lambda reader: queries.version_of(reader, account)))
        async for names in self._views.subscriptions(account):
            reply.subscriptions.extend(names)
        subscribed = frozenset(reply.subscriptions)
        async for page in self._views.mailboxes(account):
            reply.mailboxes.extend(wire.mailbox(state, subscribed=state.name in subscribed) for state in page)
        return reply

    async def ChangedMailboxes(self, request: pb.ChangedMailboxesRequest, context: Any) -> pb.ChangedMailboxesReply:
        account, since = request.account, request.since
        changed = await self._store.read(lambda reader: changed_mailboxes(reader, account, since))
        await self._turns.spend(rows=changed.events + len(changed.mailboxes))
        return wire.changed_mailboxes(changed)

    async def CreateMailbox(self, request: pb.CreateMailboxRequest, context: Any) -> pb.MailboxReply:
        made = await self._write(
            lambda tx, provenance: self._mailboxes.create(
                tx, request.account, request.name, request.special_use, provenance
            )
        )
        return pb.MailboxReply(mailbox=wire.mailbox(made))

    async def DeleteMailbox(self, request: pb.MailboxNameRequest, context: Any) -> pb.MailboxReply:
        with as_contract_errors():
            gone = await self._paged.delete(request.account, request.name, current_provenance())
        return pb.MailboxReply(mailbox=wire.mailbox(gone))

    async def RenameMailbox(self, request: pb.RenameMailboxRequest, context: Any) -> pb.MailboxReply:
        with as_contract_errors():
            renamed = await self._paged.rename(request.account, request.name, request.new_name, current_provenance())
        return pb.MailboxReply(mailbox=wire.mailbox(renamed))

    async def SubscribeMailbox(self, request: pb.SubscribeMailboxRequest, context: Any) -> pb.MailboxReply:
        await self._write(
            lambda tx, provenance: self._mailboxes.subscribe(
                tx, request.account, request.name, request.subscribed, provenance
            )
        )
        return pb.MailboxReply()

    async def ViewMailbox(self, request: pb.MailboxNameRequest, context: Any) -> pb.MailboxView:
        with as_contract_errors():
            opened = await self._views.opened(request.account, request.name)
        mailbox, limit = wire.mailbox(opened.mailbox), self._limits.max_keywords
        reply = pb.MailboxView(mailbox=mailbox, version=opened.version, keywords=opened.keywords, keyword_limit=limit)
        async for page in self._views.uids(opened):
            reply.uids.append(wire.uid_set(page))
        reply.first_unseen_uid = await self._views.first_unseen(opened.mailbox)
        return reply

    async def Changes(self, request: pb.ChangesRequest, context: Any) -> pb.ChangesReply:
        account, mailbox, since, uid_next = request.account, request.mailbox, request.since, request.uid_next
        with as_contract_errors():
            changes = await self._views.changes(account, mailbox, since, uid_next, request.keywords)
        reply = pb.ChangesReply(version=changes.version, uid_next=changes.mailbox.uid_next, keywords=changes.keywords)
        async for page in self._views.added(changes):
            reply.added.append(wire.uid_set(page))
        async for gone in self._views.vanished(mailbox, changes.vanished, changes.version, uid_next):
            reply.vanished.append(wire.uid_set(sorted((run.first, run.last) for run in gone)))
        async for flags in self._views.changed(changes, since, uid_next):
            reply.changed.extend(wire.changed(flags))
        return reply

    async def Fetch(self, request: pb.FetchRequest, context: Any) -> AsyncIterator[pb.FetchBatch]:
        account, mailbox, since = request.account, request.mailbox, request.changed_since
        await self._read(lambda reader: load.mailbox_by_id(reader, account, mailbox))
        version = await self._store.read(lambda reader: queries.version_of(reader, account))
        if request.vanished:
            async for gone in self._views.vanished_since(mailbox, since, version):
                yield pb.FetchBatch(
                    version=version, vanished=wire.uid_set(sorted((run.first, run.last) for run in gone))
                )
        uids = wire.ranges(request.uids)
        if since:
            uids = common(uids, await self._views.changed_since(mailbox, since))
        if request.flag_runs:
            async for batch in self._flag_batches(mailbox, uids, since, version):
                yield batch
            return
        mark = self._marker(account, mailbox) if request.mark_seen else None
        requested = wire.requested(request)
        async for fetched in self._fetcher.fetch(mailbox, uids, requested, since, mark):
            yield wire.batch(fetched, version, contents=request.contents, flags=not requested.without_flags)

    async def _flag_batches(self, mailbox: str, uids: Ranges, since: int, version: int) -> AsyncIterator[pb.FetchBatch]:
        """Flags alone, as runs where these are long; of changed messages with the MODSEQ of each."""
        async for page in self._views.long_flag_runs(mailbox, uids, by_modseq=since > 0):
            if isinstance(page, list):
                yield pb.FetchBatch(version=version, runs=wire.flag_runs(page))
                continue
            async for fetched in self._fetcher.fetch(mailbox, page, RequestedAttributes(), since):
                yield wire.batch(fetched, version, contents=False)

    async def Store(self, request: pb.StoreRequest, context: Any) -> pb.StoreReply:
        if is_all_mail(request.mailbox):
            return await self._all_mail.store(request, context)
        account, mailbox, flags, mode = request.account, request.mailbox, parse(request.flags), _MODES[request.mode]
        since = request.unchanged_since if request.HasField("unchanged_since") else None
        uids, reply = wire.ranges(request.uids), pb.StoreReply()
        refused: list[tuple[int, int]] = []
        with as_contract_errors():
            async for done in self._paged.store(account, mailbox, uids, mode, flags, since, current_provenance()):
                reply.version = done.version
                reply.messages += count(done.stored)
                reply.versions.extend([done.made] if done.made else [])
                refused += done.refused
                if not request.quiet:
                    async for page in self._views.flag_runs(mailbox, done.stored):
                        reply.runs.extend(wire.flag_runs(page))
        reply.refused.CopyFrom(wire.uid_set(refused))
        return reply

    async def Append(self, request: pb.AppendRequest, context: Any) -> pb.AppendReply:
        try:
            return await self._append(request)
        except NotNow as refused:
            if refused.reason != INTO:
                raise
            return await self._all_mail.append_into(request, self._append)

    async def _append(self, request: pb.AppendRequest) -> pb.AppendReply:
        messages = [wire.appended(message) for message in request.messages]
        quota = await self._quotas.of(request.account)
        with as_contract_errors():
            mailbox, uids, version = await self._paged.append(
                lambda tx, provenance: self._messages.append(
                    tx, request.account, request.mailbox, messages, quota, provenance
                ),
                len(messages),
                current_provenance(),
            )
        return pb.AppendReply(uid_validity=mailbox.uid_validity, uids=uids, version=version, mailbox=mailbox.id)

    async def Replace(self, request: pb.ReplaceRequest, context: Any) -> pb.AppendReply:
        if is_all_mail(request.mailbox):
            raise NotNow("messages are replaced in their own mailboxes, not in All Mail", "CANNOT")
        message = wire.appended(request.message)
        old, goal = OldMessage(request.mailbox, request.uid), request.target_account or request.account
        quota = await self._quotas.of(goal)
        (mailbox, uids, version), goal_version = await self._write(
            lambda tx, provenance: (
                self._messages.replace(tx, request.account, old, request.target, message, quota, provenance, goal),
                tx.version(goal),
            )
        )
        reply = pb.AppendReply(uid_validity=mailbox.uid_validity, uids=uids, version=version, mailbox=mailbox.id)
        reply.target_version = goal_version if goal != request.account else 0
        return reply

    async def Copy(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        try:
            return await self._copy(request)
        except NotNow as refused:
            if refused.reason != INTO:
                raise
            return await self._all_mail.copy_into(request, self._copy)

    async def _copy(self, request: pb.CopyRequest) -> pb.CopyReply:
        account, mailbox, uids, asked = request.account, request.mailbox, wire.ranges(request.uids), request.messages
        quota = await self._quotas.of(account)
        if is_all_mail(mailbox):
            return await self._all_mail.copy(request, quota)
        with as_contract_errors():
            placed = await self._paged.copy(account, mailbox, uids, asked, request.target, quota, current_provenance())
        return wire.placed(placed)

    async def Move(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        try:
            return await self._move(request, context)
        except NotNow as refused:
            if refused.reason != INTO:
                raise
            return await self._all_mail.move_into(request, context)

    async def _move(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        if is_all_mail(request.mailbox):
            return await self._all_mail.move(request, context)
        account, mailbox, uids, asked = request.account, request.mailbox, wire.ranges(request.uids), request.messages
        with as_contract_errors():
            moved = await self._paged.move(account, mailbox, uids, asked, request.target, current_provenance())
        reply = wire.placed(moved.placed)
        if moved.refused is not None:
            reply.reason, reply.text = moved.refused.reason, str(moved.refused)
        return reply

    async def Expunge(self, request: pb.ExpungeRequest, context: Any) -> pb.ExpungeReply:
        if is_all_mail(request.mailbox):
            return await self._all_mail.expunge(request, context)
        uids = wire.ranges(request.uids) if request.only_given else ALL
        with as_contract_errors():
            version, messages = await self._paged.expunge(request.account, request.mailbox, uids, current_provenance())
        return pb.ExpungeReply(version=version, messages=messages)

    async def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchReply:
        state = await self._read(lambda reader: load.mailbox_by_id(reader, request.account, request.mailbox))
        reply = pb.SearchReply(
            version=await self._store.read(lambda reader: queries.version_of(reader, request.account))
        )
        with as_contract_errors():
            async for uids, modseq in self._searcher.search_runs(state.id, request.key, request.now):
                reply.uids.append(wire.uid_set(uids))
                reply.highest_modseq = max(reply.highest_modseq, modseq)
        if request.with_relevancy:
            scores = await self._relevancy.scores(request.account, state.id, request.key)
            reply.relevancy = await scores.of_spans([span for page in reply.uids for span in wire.ranges(page)])
        return reply

    async def Quota(self, request: pb.QuotaRequest, context: Any) -> pb.QuotaReply:
        used, messages = await self._store.read(lambda reader: load.used(reader, request.account))
        limits = await self._quotas.of(request.account)
        return pb.QuotaReply(
            used_bytes=used, messages=messages, limit_bytes=limits.octets, limit_messages=limits.messages
        )

    async def DeletedSize(self, request: pb.DeletedSizeRequest, context: Any) -> pb.DeletedSizeReply:
        mailbox = await self._read(lambda reader: load.mailbox_by_id(reader, request.account, request.mailbox))
        octets = await deleted_size(self._store, self._turns, mailbox.id) if mailbox.deleted else 0
        return pb.DeletedSizeReply(octets=octets)

    def _marker(self, account: str, mailbox: str) -> Mark:
        """A function that sets \\Seen for a batch of a FETCH; each batch is a command of its own."""
        seen = parse(["\\Seen"])

        async def mark(messages: list[MessageRow]) -> list[MessageRow]:
            unseen = ranges(message.uid for message in messages if not message.system & SEEN)
            if not unseen:
                return messages
            own = current_provenance().of_part(str(unseen[0][0]))
            made = 0
            if is_all_mail(mailbox):
                with acting(own):
                    made = await self._all_mail.mark_seen(account, mailbox, unseen)
                return [_seen(message, made) for message in messages]
            async for done in self._paged.store(account, mailbox, unseen, "add", seen, None, own):
                made = done.made
            return [_seen(message, made) for message in messages]

        return mark

    async def _write(self, work: Callable[[Transaction, Provenance], T]) -> T:
        provenance = current_provenance()
        with as_contract_errors():
            return await self._store.write(lambda transaction: work(transaction, provenance))

    async def _read(self, ask: Callable[[Reader], T]) -> T:
        with as_contract_errors():
            return await self._store.read(ask)


def _seen(message: MessageRow, version: int) -> MessageRow:
    """The message as it is after \\Seen was set at this version."""
    if message.system & SEEN or not version:
        return message
    return message._replace(system=message.system | SEEN, modseq=version, is_marked=True)
