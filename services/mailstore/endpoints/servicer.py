"""The Mailstore contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from services.mailstore.domain.flags import SEEN, parse
from services.mailstore.domain.uids import Ranges, count, each, joined, without
from services.mailstore.domain.uids import ranges as uid_ranges
from services.mailstore.endpoints import wire
from services.mailstore.endpoints.refusals import named
from services.mailstore.handlers import load, queries
from services.mailstore.handlers.accounts import MailboxCommands, ensure_open
from services.mailstore.handlers.deleted import deleted_size
from services.mailstore.handlers.fetch import Fetcher
from services.mailstore.handlers.messages import Key, MessageCommands
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.projections import chosen
from services.mailstore.search.scan import Searcher
from services.mailstore.settings import MailstoreSettings
from shared.blobs.port import Blobs
from shared.clock import Clock
from shared.eventstore.connection import Reader
from shared.eventstore.event import Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import provenance
from shared.ids import Ids
from shared.protocol.imap.mailbox_name import canonical_name
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.mailstore_pb2_grpc import MailstoreServicer
from shared.turns import Turns

T = TypeVar("T")
_MODES = {pb.StoreRequest.ADD: "add", pb.StoreRequest.REMOVE: "remove", pb.StoreRequest.REPLACE: "replace"}


class MailstoreEndpoint(MailstoreServicer):
    """Turns requests into units of work and questions."""

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
    ) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock
        self._mailboxes = mailboxes
        self._messages = messages
        self._quotas = quotas
        self._fetcher = Fetcher(store, blobs)
        self._turns = turns
        self._searcher = Searcher(store, blobs, turns, limits.search_texts)

    async def Deliver(self, request: pb.DeliverRequest, context: Any) -> pb.DeliverReply:
        key = Key(request.queue_id, request.recipient, request.index)
        message, wanted, quota = wire.delivered(request), (request.mailbox, request.spam), request.quota_bytes
        done = await self._write(
            lambda tx, why: self._messages.deliver(tx, request.account, key, wanted, message, quota, why)
        )
        return pb.DeliverReply(
            entry=done.entry, mailbox=done.mailbox, uid=done.uid, repeated=done.repeated, mailbox_name=done.mailbox_name
        )

    async def OpenAccount(self, request: pb.OpenAccountRequest, context: Any) -> pb.OpenAccountReply:
        account = request.account
        if not await self._store.read(lambda reader: load.is_open(reader, account)):
            await self._write(lambda tx, why: ensure_open(tx, account, self._ids, self._clock, why))
        return pb.OpenAccountReply(version=await self._store.read(lambda reader: queries.version_of(reader, account)))

    async def ListMailboxes(self, request: pb.ListMailboxesRequest, context: Any) -> pb.MailboxList:
        def ask(reader: Reader) -> pb.MailboxList:
            version = queries.version_of(
                reader, request.account
            )  # first: what commits meanwhile must not pass for older
            rows = reader.all("SELECT name FROM subscription WHERE account = ? ORDER BY name", (request.account,))
            names = [row[0] for row in rows]
            subscribed = frozenset(names)
            found = [
                wire.mailbox(state, subscribed=state.name in subscribed)
                for state in load.mailboxes(reader, request.account)
            ]
            return pb.MailboxList(mailboxes=found, subscriptions=names, version=version)

        return await self._store.read(ask)

    async def CreateMailbox(self, request: pb.CreateMailboxRequest, context: Any) -> pb.MailboxReply:
        made = await self._write(
            lambda tx, why: self._mailboxes.create(tx, request.account, request.name, request.special_use, why)
        )
        return pb.MailboxReply(mailbox=wire.mailbox(made))

    async def DeleteMailbox(self, request: pb.MailboxNameRequest, context: Any) -> pb.MailboxReply:
        gone = await self._write(lambda tx, why: self._mailboxes.delete(tx, request.account, request.name, why))
        return pb.MailboxReply(mailbox=wire.mailbox(gone))

    async def RenameMailbox(self, request: pb.RenameMailboxRequest, context: Any) -> pb.MailboxReply:
        named_anew = await self._write(
            lambda tx, why: self._mailboxes.rename(tx, request.account, request.name, request.new_name, why)
        )
        return pb.MailboxReply(mailbox=wire.mailbox(named_anew))

    async def SubscribeMailbox(self, request: pb.SubscribeMailboxRequest, context: Any) -> pb.MailboxReply:
        await self._write(
            lambda tx, why: self._mailboxes.subscribe(tx, request.account, request.name, request.subscribed, why)
        )
        return pb.MailboxReply()

    async def ViewMailbox(self, request: pb.MailboxNameRequest, context: Any) -> pb.MailboxView:
        def view(reader: Reader, version: int) -> pb.MailboxView:
            state = load.mailbox_by_name(reader, request.account, canonical_name(request.name))
            return pb.MailboxView(
                mailbox=wire.mailbox(state),
                version=version,
                uids=wire.spans(queries.uid_runs(reader, state)),
                keywords=queries.keywords(reader, state.id),
                first_unseen_uid=queries.first_unseen(reader, state),
            )

        return await self._read(
            lambda reader: queries.of_one_version(reader, request.account, lambda version: view(reader, version))
        )

    async def Changes(self, request: pb.ChangesRequest, context: Any) -> pb.ChangesReply:
        def changes(reader: Reader, version: int) -> pb.ChangesReply:
            state = load.mailbox_by_id(reader, request.account, request.mailbox)
            found = queries.changes(reader, version, state, request.since, request.uid_next)
            return pb.ChangesReply(
                version=found.version,
                uid_next=found.uid_next,
                added=wire.spans(found.added),
                vanished=wire.spans(found.vanished),
                changed=wire.changed(found.changed),
                keywords=found.keywords,
            )

        return await self._read(
            lambda reader: queries.of_one_version(reader, request.account, lambda version: changes(reader, version))
        )

    async def Fetch(self, request: pb.FetchRequest, context: Any) -> AsyncIterator[pb.FetchBatch]:
        uids, seen = wire.ranges(request.uids), frozenset[int]()
        if request.mark_seen:
            seen = await self._mark_seen(request.account, request.mailbox, uids)
        await self._read(lambda reader: load.mailbox_by_id(reader, request.account, request.mailbox))
        version = await self._store.read(lambda reader: queries.version_of(reader, request.account))
        if request.vanished_within:
            gone = await self._store.read(
                lambda reader: queries.vanished(reader, request.mailbox, request.changed_since)
            )
            yield pb.FetchBatch(version=version, vanished=wire.spans(gone))
        async for fetched in self._fetcher.fetch(request.mailbox, uids, wire.wanted(request), request.changed_since):
            yield wire.batch(fetched, version, contents=request.contents, seen=seen)

    async def Store(self, request: pb.StoreRequest, context: Any) -> pb.StoreReply:
        uids, flags, mode = wire.ranges(request.uids), parse(request.flags), _MODES[request.mode]
        since = request.unchanged_since if request.HasField("unchanged_since") else None
        done = await self._write(
            lambda tx, why: self._messages.store(tx, request.account, request.mailbox, uids, mode, flags, since, why),
            uids,
        )
        after = await self._store.read(
            lambda reader: queries.flags_of(reader, request.mailbox, without(uids, done.refused))
        )
        return pb.StoreReply(version=done.version, changed=wire.changed(after), refused=wire.spans(done.refused))

    async def Append(self, request: pb.AppendRequest, context: Any) -> pb.AppendReply:
        messages = [wire.appended(message) for message in request.messages]
        quota = await self._quotas.of(request.account)
        mailbox, uids, version = await self._write(
            lambda tx, why: self._messages.append(tx, request.account, request.mailbox, messages, quota, why)
        )
        return pb.AppendReply(uid_validity=mailbox.uid_validity, uids=uids, version=version, mailbox=mailbox.id)

    async def Copy(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        uids, quota = wire.ranges(request.uids), await self._quotas.of(request.account)
        placed = await self._write(
            lambda tx, why: self._messages.copy(tx, request.account, request.mailbox, uids, request.target, quota, why),
            uids,
        )
        return wire.placed(placed)

    async def Move(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        uids = wire.ranges(request.uids)
        return wire.placed(
            await self._write(
                lambda tx, why: self._messages.move(tx, request.account, request.mailbox, uids, request.target, why),
                uids,
            )
        )

    async def Expunge(self, request: pb.ExpungeRequest, context: Any) -> pb.ExpungeReply:
        uids = wire.ranges(request.uids) if request.only_given else ((1, 1 << 40),)
        version, gone = await self._write(
            lambda tx, why: self._messages.expunge(tx, request.account, request.mailbox, uids, why), uids
        )
        return pb.ExpungeReply(version=version, expunged=wire.spans(gone))

    async def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchReply:
        state = await self._read(lambda reader: load.mailbox_by_id(reader, request.account, request.mailbox))
        version = await self._store.read(lambda reader: queries.version_of(reader, request.account))
        uids: list[int] = []
        highest = 0
        with named():
            async for page, modseq in self._searcher.search(state.id, request.key, request.now):
                uids += page
                highest = max(highest, modseq)
        return pb.SearchReply(uids=wire.spans(uid_ranges(uids)), highest_modseq=highest, version=version)

    async def Quota(self, request: pb.QuotaRequest, context: Any) -> pb.QuotaReply:
        used, messages = await self._store.read(lambda reader: load.used(reader, request.account))
        return pb.QuotaReply(used_bytes=used, messages=messages, limit_bytes=await self._quotas.of(request.account))

    async def DeletedSize(self, request: pb.DeletedSizeRequest, context: Any) -> pb.DeletedSizeReply:
        mailbox = await self._read(lambda reader: load.mailbox_by_id(reader, request.account, request.mailbox))
        octets = await deleted_size(self._store, self._turns, mailbox.id) if mailbox.deleted else 0
        return pb.DeletedSizeReply(octets=octets)

    async def _mark_seen(self, account: str, mailbox: str, uids: Ranges) -> frozenset[int]:
        runs = await self._read(lambda reader: chosen.flag_runs(reader, mailbox, uids, None))
        only = joined((run.first, run.last) for run in runs if not run.flags.system & SEEN)
        if only:
            await self._write(
                lambda tx, why: self._messages.store(tx, account, mailbox, only, "add", parse(["\\Seen"]), None, why),
                only,
            )
        return frozenset(each(only))

    async def _write(self, work: Callable[[Transaction, Provenance], T], uids: Ranges = ()) -> T:
        """A unit of work on the messages of these UIDs; with many of them it runs beside the loop."""
        why = provenance()
        with named():
            return await self._store.write(lambda transaction: work(transaction, why), long=count(uids) > chosen.FEW)

    async def _read(self, ask: Callable[[Reader], T]) -> T:
        with named():
            return await self._store.read(ask)
