"""A mailbox store whose work is counted: statements, rows, and SQLite's instructions, which show a scan that returns
one row."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import sqlalchemy

from services.mailstore.app import projections
from services.mailstore.domain.quota import QuotaLimits
from services.mailstore.endpoints.removed import RemovedEndpoint
from services.mailstore.endpoints.servicer import MailstoreEndpoint
from services.mailstore.handlers.accounts import MailboxCommands
from services.mailstore.handlers.messages import MessageCommands
from services.mailstore.handlers.owners import Owners
from services.mailstore.handlers.quotas import Quotas
from services.mailstore.handlers.removed import RemovedMessages
from services.mailstore.handlers.restoring import Restoring
from services.mailstore.listing.builder import ListingBuilder
from services.mailstore.listing.pages import Listing
from services.mailstore.settings import MailstoreSettings
from shared.blobs.blob_id import BlobId
from shared.blobs.memory import MemoryBlobs
from shared.clock import Clock, SystemClock
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.sqlite import SqliteBackend
from shared.eventstore.store import Backend, EventStore
from shared.grpc.call import acting
from shared.ids import IdKind, Ids
from shared.owner.source import StoreSource
from shared.protocol.message.scan import encode_scan, scan
from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.mailstore.v1 import mailstore_pb2 as pb
from shared.rpc.mailfold.mailstore.v1 import removed_pb2
from shared.turns import Turns

T = TypeVar("T")
ACCOUNT = "a-ann"
_BODY = (
    b"From: <wanda@example.com>\r\nTo: <ann@example.org>\r\nSubject: %d\r\nMessage-ID: "
    b"<%d@example.com>\r\n\r\nHello\r\n"
)
_PREFIX = (
    b"Return-Path: <wanda@example.com>\r\nDelivered-To: ann@example.org\r\nReceived: from there by here; a day\r\n"
)


class Work(NamedTuple):
    """The work between two reports."""

    statements: int
    rows_read: int
    rows_written: int
    steps: int
    """Instructions of SQLite's virtual machine; like the other counts they do not depend on the depth of a tree."""

    def __sub__(self, other: Work) -> Work:
        return Work(*(mine - its for mine, its in zip(self, other, strict=True)))


class _OneQuota(Quotas):
    """Replaces the directory; all accounts have the same quota, at first none."""

    def __init__(self) -> None:
        self.limits = QuotaLimits()

    async def of(self, account: str) -> QuotaLimits:
        return self.limits

    async def has_account(self, account: str) -> bool:
        return False


class _NoUsers(Owners):
    """Replaces the directory; no call is made in the name of a user."""

    def __init__(self) -> None: ...


class CountedMailstore:
    """The store's contract, called directly. It holds one account."""

    def __init__(self, backend: Backend, *, steps: bool, clock: Clock, listing: Path | None = None) -> None:
        metadata = sqlalchemy.MetaData()
        limits = MailstoreSettings(max_mailboxes=100, max_subscriptions=10, copy_messages=25_600)
        self.turns = Turns()
        self._ids = Ids(clock)
        self._steps = 0
        self._numbers = 0
        if steps and isinstance(backend, SqliteBackend):
            sqlalchemy.event.listen(
                backend.engine, "connect", lambda driver, _record: driver.set_progress_handler(self._step, 1)
            )
        self.quotas = _OneQuota()
        self.store = EventStore(backend, metadata, projections(metadata), clock, turns=self.turns)
        self.blobs = MemoryBlobs()
        self._source = StoreSource(self.store)
        self.listing = Listing(listing)
        self.builder = ListingBuilder("mailstore", self.store, self.blobs, self.listing, self.turns, pause=0)
        self._endpoint = MailstoreEndpoint(
            self.store,
            self.blobs,
            self._ids,
            clock,
            MailboxCommands(self._ids, clock, limits),
            MessageCommands(self._ids, clock, limits),
            self.quotas,
            limits,
            self.turns,
            self.listing,
        )
        self._removed = RemovedEndpoint(
            RemovedMessages(self.store, self.blobs, self.turns),
            Restoring(self.store, self._ids, limits),
            _NoUsers(),
            self.quotas,
            limits,
            clock,
        )

    def _step(self) -> int:
        self._steps += 1
        return 0

    @property
    def so_far(self) -> Work:
        """All work since the store was opened."""
        figures = self.store.figures
        return Work(figures["statements"], figures["rows_read"], figures["rows_written"], self._steps)

    async def counted(self, act: Callable[[], Awaitable[object]]) -> Work:
        """The work of an operation."""
        before = self.so_far
        await act()
        return self.so_far - before

    async def call(self, method: str, request: Any, command: str = "") -> Any:
        """Call the contract as a client's session does; with a given command id the call is a repeat."""
        with acting(Provenance(Actor("account", ACCOUNT), command=command or self._ids.new(IdKind.COMMAND))):
            endpoint = self._removed if method == "RestoreRemoved" else self._endpoint
            return await getattr(endpoint, method)(request, None)

    async def listed(self, *, limit: int = 1_000_000, **choice: Any) -> list[removed_pb2.RemovedMessage]:
        """All removed messages of a choice, or the first of them."""
        chosen = removed_pb2.RemovedChoice(account=ACCOUNT, **choice)
        request = removed_pb2.ListRemovedRequest(choice=chosen, limit=limit)
        return [message async for batch in self._removed.ListRemoved(request, None) for message in batch.messages]

    async def restore(
        self, *, uids: Sequence[int] = (), into: str = "", repeated: str = "", **choice: Any
    ) -> dict[str, int]:
        """Restore messages; returns how many came into each mailbox. `repeated` is the id of this command."""
        chosen = removed_pb2.RemovedChoice(account=ACCOUNT, **choice)
        request = removed_pb2.RestoreRemovedRequest(choice=chosen, uid_bounds=uids, into=into)
        reply = await self.call("RestoreRemoved", request, repeated)
        assert not reply.refused
        return {restored.mailbox: restored.messages for restored in reply.mailboxes}

    async def fetched(self, request: pb.FetchRequest) -> list[pb.FetchBatch]:
        """All batches of a FETCH."""
        return [batch async for batch in self._endpoint.Fetch(request, None)]

    async def followed(self, after: dict[int, int]) -> list[events_pb2.EventBatch]:
        """What a follower reads that has followed up to these positions."""
        return [batch async for batch in self._source.ReadEvents(events_pb2.ReadEventsRequest(after=after), None)]

    async def deliver(
        self, flags: Sequence[str] = (), *, recipient: str = "ann@example.org", queue_id: str = ""
    ) -> pb.DeliverReply:
        """Deliver a mail."""
        blob, number = await self._blob()
        request = pb.DeliverRequest(
            account=ACCOUNT,
            queue_id=queue_id or self._ids.new(IdKind.QUEUE),
            recipient=recipient,
            index=0,
            mailbox="INBOX",
            flags=flags,
            blob=blob,
            size=len(_BODY),
            prefix=_PREFIX * 6,
            internal_date=number,
            message_id=f"<{number}@example.com>",
            subject=f"{number}",
            quota_bytes=self.quotas.limits.octets,
            quota_messages=self.quotas.limits.messages,
        )
        return cast(pb.DeliverReply, await self.call("Deliver", request))

    async def deliver_body(self, body: bytes, prefix: bytes = b"", mailbox: str = "INBOX") -> int:
        """Deliver a mail of these octets; returns its UID."""
        with self.blobs.writer() as writer:
            writer.write(body)
            scanned = scan(body)
            reference = await writer.commit(encode_scan(scanned))
        request = pb.DeliverRequest(
            account=ACCOUNT,
            queue_id=self._ids.new(IdKind.QUEUE),
            recipient="ann@example.org",
            mailbox=mailbox,
            create=True,
            blob=reference.id,
            size=reference.size,
            prefix=prefix,
            message_id=scanned.message_id,
            subject=scanned.subject,
        )
        reply: pb.DeliverReply = await self.call("Deliver", request)
        return reply.uid

    async def append(self, count: int = 1, name: str = "INBOX") -> pb.AppendReply:
        """APPEND of several messages."""
        messages = [await self._appended() for _ in range(count)]
        return cast(
            pb.AppendReply,
            await self.call("Append", pb.AppendRequest(account=ACCOUNT, mailbox=name, messages=messages)),
        )

    async def _appended(self) -> pb.AppendMessage:
        blob, number = await self._blob()
        return pb.AppendMessage(
            blob=blob,
            size=len(_BODY),
            flags=["\\Flagged", "$Work"],
            internal_date=number,
            message_id=f"<{number}@example.com>",
            subject=f"{number}",
        )

    async def _blob(self) -> tuple[BlobId, int]:
        self._numbers += 1
        body = _BODY % (self._numbers, self._numbers)
        with self.blobs.writer() as writer:
            writer.write(body)
            return (await writer.commit(encode_scan(scan(body)))).id, self._numbers


@contextlib.asynccontextmanager
async def counted_mailstore(
    database: Path | Backend, *, steps: bool = True, clock: Clock | None = None, listing: Path | None = None
) -> AsyncIterator[CountedMailstore]:
    """A store that is open for the length of a block; a path is a SQLite file. Counting instructions makes it slow.

    With the path of a listing, its builder works in the background.
    """
    backend = SqliteBackend(database) if isinstance(database, Path) else database
    mailstore = CountedMailstore(backend, steps=steps, clock=clock or SystemClock(), listing=listing)
    await mailstore.store.open()
    if listing is not None:
        mailstore.listing.open(mailstore.builder.lacks)
        mailstore.store.on_commit(mailstore.builder.committed)
        mailstore.builder.start()
    try:
        await mailstore.call("OpenAccount", pb.OpenAccountRequest(account=ACCOUNT))
        yield mailstore
    finally:
        await mailstore.builder.stop()
        await mailstore.listing.close()
        await mailstore.store.close()


def spans(*ranges: Sequence[int]) -> pb.UidSet:
    """UID ranges in the form of a request."""
    return pb.UidSet(bounds=[bound for pair in ranges for bound in pair])
