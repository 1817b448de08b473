"""Brings accounts up to date in the index: new mail at once, other accounts in the background.

An account is up to date when each of its mailboxes was handed over up to its last UID. How it came to have these
messages does not matter, so no kind of change can be missed. A message is never waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from services.indexer.adapters.catalog import Dues, Task
from services.indexer.domain.document import Document, document_key
from services.indexer.domain.engine import Batch, IndexEntry, IndexUnavailable, TextEngine
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.documents import DocumentReader
from services.indexer.index_settings import IndexSettings
from shared.background import BackgroundTask, woken_within
from shared.blobs.disk_room import DiskRoom
from shared.blobs.errors import BlobDamaged, BlobError, BlobMissing
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable
from shared.grpc.channel import Channel
from shared.grpc.errors import ServiceError
from shared.rpc.mailfold.mailstore.v1 import documents_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import DocumentsStub

log = structlog.get_logger("indexer")
_AT_ONCE = 50
"""Accounts that are asked for in one question."""
_MAILBOXES = 50
_OCTETS = 2 * 1024 * 1024
"""Characters of documents that are handed over at once."""
_KNOWN = 10_000
_IDLE_SECONDS = 30.0
NOT_NOW = (ServiceError, IndexUnavailable, BlobError, StoreUnavailable)


class Indexing:
    """The background task."""

    def __init__(
        self,
        service: str,
        engine: TextEngine,
        dues: Dues,
        mailstore: Channel,
        documents: DocumentReader,
        clock: Clock,
        settings: IndexSettings,
        locks: AccountLocks,
        attached: Callable[[str], None],
        room: DiskRoom,
    ) -> None:
        """`attached` is called with each account that got messages whose attachments are to be read."""
        self._engine = engine
        self._dues = dues
        self._mailstore = DocumentsStub(mailstore)
        self._documents = documents
        self._clock = clock
        self._settings = settings
        self._locks = locks
        self._attached = attached
        self._room = room
        self._changed: dict[str, None] = {}
        """Accounts with new changes, the earliest first."""
        self._versions: dict[str, int] = {}
        """The versions at which accounts were up to date; it only spares questions."""
        self._wake = asyncio.Event()
        self._task = BackgroundTask(service, "indexing", self._turn, not_now=NOT_NOW, longest_pause=10.0)
        self.indexed = 0
        """Messages handed over since the start."""
        self.filled = 0
        """Accounts that were compared in the background since the start."""
        self._filling_seconds = 0.0

    def start(self) -> None:
        """Begin."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; what is not handed over is found again after the next start."""
        await self._task.stop()

    @property
    def failures(self) -> int:
        """Steps in a row that failed."""
        return self._task.failures

    @property
    def is_quiet(self) -> bool:
        """Whether no account has new changes that are not indexed."""
        return not self._changed

    @property
    def behind(self) -> int:
        """Accounts with changes that are not indexed."""
        return len(self._changed)

    def seconds_left(self, accounts: int) -> int:
        """Seconds until so many further accounts are compared, by the pace so far; -1 when it is not known."""
        if not accounts:
            return 0
        return int(accounts * self._filling_seconds / self.filled) if self.filled else -1

    def changed(self, accounts: Iterable[str]) -> None:
        """Note accounts that have new changes."""
        before = len(self._changed)
        self._changed.update(dict.fromkeys(accounts))
        if len(self._changed) != before:
            self._wake.set()

    def look(self) -> None:
        """Look for background work now."""
        self._wake.set()

    async def _turn(self) -> None:
        if self._changed:
            await self._catch_up(list(self._changed)[:_AT_ONCE])
        elif not await self._fill():
            self._wake.clear()
            await woken_within(self._wake, _IDLE_SECONDS)
            await asyncio.sleep(self._settings.gather_seconds)  # more mail may follow, and is indexed with this one

    async def _fill(self) -> bool:
        """Take a step for an account that is due in the background; False: there is none."""
        due = await self._dues.due(Task.FILL, self._clock.now(), 1)
        if not due:
            return False
        began = self._clock.monotonic()
        self._versions.pop(due[0], None)
        if not await self._bring_up(due):
            await self._retry_unread(due[0])
            await self._dues.done(due[0], Task.FILL)
            self.filled += 1
        self._filling_seconds += (self._clock.monotonic() - began) / self._settings.fill_share
        await asyncio.sleep((self._clock.monotonic() - began) * (1 / self._settings.fill_share - 1))
        return True

    async def _catch_up(self, accounts: Sequence[str]) -> None:
        """Take a step for accounts with new changes; those that are not up to date after it come last."""
        for account in accounts:
            self._changed.pop(account, None)
        left = list(accounts)
        try:
            left = await self._bring_up(accounts)
        finally:
            self._changed.update(dict.fromkeys(left))

    async def _bring_up(self, accounts: Sequence[str]) -> list[str]:
        """Take a step for each account; returns those that are not up to date after it."""
        request = pb.ReachesRequest()
        for account in accounts:
            request.accounts.add(account=account, version=self._versions.get(account, 0))
        reply = await self._mailstore.ListReaches(request)
        behind: list[str] = []
        for reach in reply.accounts:
            async with self._locks.of(reach.account):
                if not await self._step(reach):
                    behind.append(reach.account)
        return behind

    async def _step(self, reach: pb.AccountReach) -> bool:
        """Hand over some of an account's messages; whether it is up to date after it."""
        if not reach.version:
            await self._engine.drop_account(reach.account)
            return True
        reached = await self._engine.reached(reach.account)
        behind = {
            mailbox.mailbox: reached.get(mailbox.mailbox, 0)
            for mailbox in reach.mailboxes
            if mailbox.uid_next > reached.get(mailbox.mailbox, 0) + 1
        }
        if behind and not await self._take(reach.account, behind):
            return False
        if len(self._versions) >= _KNOWN:
            self._versions.clear()
        self._versions[reach.account] = reach.version
        return True

    async def _take(self, account: str, behind: dict[str, int]) -> bool:
        """Hand over the next messages of mailboxes; whether these were the last ones."""
        asked = list(behind.items())[:_MAILBOXES]
        request = pb.ReadEntriesRequest(
            mailboxes=[pb.EntriesAfter(account=account, mailbox=mailbox, after=after) for mailbox, after in asked]
        )
        reply = await self._mailstore.ReadEntries(request)
        for mailbox in reply.mailboxes:
            await self._hand_over(account, mailbox, behind[mailbox.mailbox])
        # A mailbox without an answer was deleted, or did not fit into this one.
        answered = {mailbox.mailbox for mailbox in reply.mailboxes if mailbox.is_whole}
        return len(answered) == len(behind) or not reply.mailboxes

    async def _hand_over(self, account: str, page: pb.MailboxEntries, after: int) -> None:
        keys = [document_key(entry.blob, entry.prefix) for entry in page.entries]
        lacking = set(await self._engine.lacking(account, list(dict.fromkeys(keys))))
        builder = _BatchBuilder(page.mailbox, after)
        for entry, key in zip(page.entries, keys, strict=True):
            if builder.octets >= _OCTETS:
                await self._add(account, builder.taken())
                lacking -= builder.handed_over
            await self._read(builder, entry, key, is_lacking=key in lacking)
        await self._add(account, builder.taken(page.upto))

    async def _retry_unread(self, account: str) -> None:
        """Read messages again that could not be read."""
        for mailbox, uid in await self._engine.unread(account):
            asked = pb.EntriesAfter(account=account, mailbox=mailbox, after=uid - 1)
            reply = await self._mailstore.ReadEntries(pb.ReadEntriesRequest(mailboxes=[asked]))
            entries = [entry for page in reply.mailboxes for entry in page.entries if entry.uid == uid]
            reached = (await self._engine.reached(account)).get(mailbox, 0)
            for entry in entries:
                builder = _BatchBuilder(mailbox, reached)
                await self._read(builder, entry, document_key(entry.blob, entry.prefix), is_lacking=True)
                if builder.entries:
                    await self._add(account, builder.taken(reached))

    async def _add(self, account: str, batch: Batch) -> None:
        shortage = self._room.shortage()
        if shortage:
            raise IndexUnavailable(f"the index waits for room on the disk: {shortage}")
        await self._engine.add(account, batch)
        if batch.awaiting:
            self._attached(account)
        self.indexed += len(batch.entries)
        self._task.advanced()

    async def _read(self, builder: _BatchBuilder, entry: pb.DocumentEntry, key: bytes, *, is_lacking: bool) -> None:
        if not is_lacking or key in builder.documents:
            builder.entries.append(IndexEntry(entry.uid, key))
            return
        try:
            read = await self._documents.read(entry.blob, entry.prefix)
        except (BlobMissing, BlobDamaged) as error:
            log.warning("indexer.unread", blob=entry.blob, error=str(error))
            builder.unread.append(entry.uid)
            return
        builder.add(entry.uid, read.document, entry.blob if read.has_attachments else "")


class _BatchBuilder:
    """Messages of a mailbox that are handed over together."""

    def __init__(self, mailbox: str, after: int) -> None:
        self._mailbox = mailbox
        self._after = after
        self.handed_over: set[bytes] = set()
        self._begin()

    def _begin(self) -> None:
        self.entries: list[IndexEntry] = []
        self.documents: dict[bytes, Document] = {}
        self.awaiting: dict[bytes, str] = {}
        self.unread: list[int] = []
        self.octets = 0

    def add(self, uid: int, document: Document, blob: str) -> None:
        """Add a message with its texts; `blob` is empty when it has no attachments to extract."""
        self.entries.append(IndexEntry(uid, document.key))
        self.documents[document.key] = document
        self.octets += len(document.header) + len(document.part_headers) + len(document.body)
        if blob:
            self.awaiting[document.key] = blob

    def taken(self, upto: int = 0) -> Batch:
        """The batch, which reaches up to its last message at least; begins another one."""
        last = max([upto, *(entry.uid for entry in self.entries[-1:]), *self.unread[-1:]])
        batch = Batch(self._mailbox, self.entries, self.documents, self.awaiting, self.unread, self._after, last)
        self.handed_over |= self.documents.keys()
        self._after = last
        self._begin()
        return batch
