"""Carries out the calls on messages of All Mail where these messages are, and those that put messages into All Mail.

The answers have the UIDs of All Mail. COPY and MOVE tell no new UIDs, because their pairs would not ascend when the
messages come from several mailboxes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from services.mailstore.domain.decide import MailboxRefused
from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.domain.state import MailboxState
from services.mailstore.endpoints import wire
from services.mailstore.endpoints.refusals import as_contract_errors
from services.mailstore.handlers import all_mail, load, queries
from services.mailstore.handlers.all_mail import ShownMessages
from services.mailstore.handlers.messages import MessageCommands
from services.mailstore.handlers.paged import ALL
from services.mailstore.handlers.views import Views
from services.mailstore.projections.all_mail import of_account, shows
from shared.eventstore.connection import Reader
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.call import acting, current_provenance
from shared.protocol.imap.ranges import Ranges, count, joined, without
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb

T = TypeVar("T")


class OwnMailboxCalls(Protocol):
    """The calls on messages in their own mailboxes."""

    async def Store(self, request: pb.StoreRequest, context: Any) -> pb.StoreReply: ...

    async def Expunge(self, request: pb.ExpungeRequest, context: Any) -> pb.ExpungeReply: ...

    async def Move(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply: ...


class AllMailCalls:
    """Translates requests between All Mail and the mailboxes of its messages."""

    def __init__(self, store: EventStore, views: Views, messages: MessageCommands, own: OwnMailboxCalls) -> None:
        self._store = store
        self._views = views
        self._messages = messages
        self._own = own

    async def store(self, request: pb.StoreRequest, context: Any) -> pb.StoreReply:
        """Change flags (RFC 3501 §6.4.6, with UNCHANGEDSINCE of RFC 7162 §3.1.3)."""
        account, uids = request.account, wire.ranges(request.uids)
        version = await self._version(account)
        newer: Ranges = ()
        if request.HasField("unchanged_since"):
            since = request.unchanged_since
            newer = await self._read_long(lambda reader: all_mail.changed_after(reader, request.mailbox, uids, since))
            uids = without(uids, newer)
        reply, refused = pb.StoreReply(version=version), list(newer)
        for source in await self._sources(request.mailbox, uids):
            own = pb.StoreRequest()
            own.CopyFrom(request)
            own.mailbox, own.quiet = source.mailbox, True
            own.uids.CopyFrom(wire.uid_set(source.uids))
            if request.HasField("unchanged_since"):
                own.unchanged_since = version  # what changed after `newer` was read is refused there
            with _part(source.mailbox):
                done = await self._own.Store(own, context)
            reply.version = max(reply.version, done.version)
            reply.versions.extend(done.versions)
            reply.messages += done.messages
            refused += await self._shown_as(source.mailbox, wire.ranges(done.refused))
        refused_uids = joined(sorted(refused))
        reply.refused.CopyFrom(wire.uid_set(refused_uids))
        if not request.quiet:
            async for page in self._views.flag_runs(request.mailbox, without(uids, refused_uids)):
                reply.runs.extend(wire.flag_runs(page))
        return reply

    async def mark_seen(self, account: str, mailbox: str, uids: Ranges) -> int:
        """Set \\Seen for a batch of a FETCH; returns the version afterwards."""
        seen = pb.StoreRequest(account=account, mailbox=mailbox, uids=wire.uid_set(uids), flags=["\\Seen"], quiet=True)
        return (await self.store(seen, None)).version

    async def expunge(self, request: pb.ExpungeRequest, context: Any) -> pb.ExpungeReply:
        """Remove messages that are marked \\Deleted from their mailboxes; they can be restored like all others."""
        uids = wire.ranges(request.uids) if request.only_given else ALL
        reply = pb.ExpungeReply(version=await self._version(request.account))
        for source in await self._sources(request.mailbox, uids, deleted=True):
            own = pb.ExpungeRequest(
                account=request.account, mailbox=source.mailbox, uids=wire.uid_set(source.uids), only_given=True
            )
            with _part(source.mailbox):
                done = await self._own.Expunge(own, context)
            reply.version, reply.messages = max(reply.version, done.version), reply.messages + done.messages
        return reply

    async def copy(self, request: pb.CopyRequest, quota: QuotaLimits) -> pb.CopyReply:
        """Copy messages out of All Mail, all or none, in one unit of work."""
        with as_contract_errors():
            self._messages.check_copies(request.messages)
        sources = await self._complete(request)
        provenance = current_provenance()

        def work(tx: Transaction) -> int:
            for source in sources:
                part = provenance.of_part(source.mailbox)
                number = count(source.uids)
                self._messages.copy(
                    tx, request.account, source.mailbox, source.uids, number, request.target, quota, part
                )
            return tx.version(request.account)

        with as_contract_errors():
            return pb.CopyReply(version=await self._store.write(work, long=True))

    async def move(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        """Move messages of All Mail from their mailboxes to another one; All Mail goes on to show them."""
        sources = await self._complete(request, moves=True)
        with as_contract_errors():
            target = await self._store.read(lambda reader: _target(reader, request.account, request.target))
        reply = pb.CopyReply(version=await self._version(request.account))
        for source in sources:
            if source.mailbox == target:
                continue
            own = pb.CopyRequest(
                account=request.account,
                mailbox=source.mailbox,
                uids=wire.uid_set(source.uids),
                target=request.target,
                messages=count(source.uids),
            )
            with _part(source.mailbox):
                done = await self._own.Move(own, context)
            reply.version = max(reply.version, done.version)
            if done.reason:
                reply.reason, reply.text = done.reason, done.text
                break
        return reply

    async def append_into(
        self, request: pb.AppendRequest, append: Callable[[pb.AppendRequest], Coroutine[Any, Any, pb.AppendReply]]
    ) -> pb.AppendReply:
        """Append messages to All Mail: they go into the Archive mailbox and so are shown."""
        archive = await self._archive(request.account)
        stored = await append(
            pb.AppendRequest(account=request.account, mailbox=archive.name, messages=request.messages)
        )
        return pb.AppendReply(version=stored.version)

    async def copy_into(
        self, request: pb.CopyRequest, copy: Callable[[pb.CopyRequest], Coroutine[Any, Any, pb.CopyReply]]
    ) -> pb.CopyReply:
        """Copy messages to All Mail: those that it shows already are there, the others are copied to Archive."""
        if all_mail.is_all_mail(request.mailbox) or await self._is_shown(request.account, request.mailbox):
            return pb.CopyReply(version=await self._version(request.account))
        stored = await copy(await self._to_archive(request))
        return pb.CopyReply(version=stored.version)

    async def move_into(self, request: pb.CopyRequest, context: Any) -> pb.CopyReply:
        """Move messages to All Mail: they go into Archive, as clients expect that know `\\All` from other providers."""
        own = await self._to_archive(request)
        archive = await self._archive(request.account)
        if all_mail.is_all_mail(request.mailbox) or request.mailbox == archive.id:
            return pb.CopyReply(version=await self._version(request.account))
        moved = await self._own.Move(own, context)
        return pb.CopyReply(version=moved.version, reason=moved.reason, text=moved.text)

    async def _to_archive(self, request: pb.CopyRequest) -> pb.CopyRequest:
        own = pb.CopyRequest()
        own.CopyFrom(request)
        own.target = (await self._archive(request.account)).name
        return own

    async def _archive(self, account: str) -> MailboxState:
        with as_contract_errors():
            return await self._store.read(lambda reader: all_mail.archive_of(reader, account))

    async def _is_shown(self, account: str, mailbox: str) -> bool:
        """Whether All Mail shows the messages of a mailbox."""
        return await self._store.read(lambda reader: shows(reader, of_account(reader, account), mailbox))

    async def _complete(self, request: pb.CopyRequest, *, moves: bool = False) -> list[ShownMessages]:
        """Where the messages of a COPY or MOVE are. Raises NotNow EXPUNGEISSUED when some of them are gone.

        What an earlier attempt at a MOVE has moved is not gone.
        """
        sources = await self._sources(request.mailbox, wire.ranges(request.uids))
        if _number(sources) != request.messages and moves:
            account, provenance = request.account, current_provenance()
            earlier = await self._read_long(lambda reader: all_mail.moved_before(reader, account, provenance))
            sources = all_mail.with_earlier(sources, earlier)
        if _number(sources) != request.messages:
            with as_contract_errors():
                raise MailboxRefused("EXPUNGEISSUED", "some of the messages are gone; nothing was done")
        return sources

    async def _sources(self, mailbox: str, uids: Ranges, *, deleted: bool = False) -> list[ShownMessages]:
        return await self._read_long(lambda reader: all_mail.sources(reader, mailbox, uids, deleted=deleted))

    async def _shown_as(self, mailbox: str, uids: Ranges) -> Ranges:
        return await self._read_long(lambda reader: all_mail.shown_as(reader, mailbox, uids)) if uids else ()

    async def _version(self, account: str) -> int:
        return await self._store.read(lambda reader: queries.version_of(reader, account))

    async def _read_long(self, ask: Callable[[Reader], T]) -> T:
        return await self._store.read_long(ask)


def _number(sources: list[ShownMessages]) -> int:
    return sum(count(source.uids) for source in sources)


def _target(reader: Reader, account: str, name: str) -> str:
    try:
        return all_mail.as_goal(load.mailbox_by_name(reader, account, name)).id
    except MailboxRefused as refused:
        if refused.reason != "NONEXISTENT":
            raise
        raise MailboxRefused("TRYCREATE", str(refused)) from refused


@contextmanager
def _part(mailbox: str) -> Iterator[None]:
    """The context of the part of a call that concerns one mailbox, with a command id of its own."""
    with acting(current_provenance().of_part(mailbox)):
        yield
