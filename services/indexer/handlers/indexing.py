"""Brings accounts up to date in the index: new mail at once, other accounts in the background.

An account is up to date when each of its mailboxes was handed over up to its last UID. How it came to have these
messages does not matter, so no kind of change can be missed. A message is never waited for.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import structlog

from services.indexer.adapters.catalog import Dues, Task
from services.indexer.domain.document import document_key
from services.indexer.domain.engine import Batch, IndexEntry, IndexUnavailable, TextEngine
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.batch_builder import BatchBuilder
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
_TRIES = 10
"""Steps in a row that fail for an account with new changes, before the others no longer wait for it."""
LATER = 60_000_000
"""Microseconds until what failed for an account is tried again."""
NOT_NOW = (ServiceError, IndexUnavailable, BlobError, StoreUnavailable)


class _StepFailed(Exception):
    """A step failed for an account."""

    def __init__(self, account: str, error: Exception) -> None:
        super().__init__(account)
        self.account = account
        self.error = error


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
        self._at_work: dict[str, None] = {}
        """Those of them that a step is taken for now."""
        self._failed: Counter[str] = Counter()
        """How often in a row the steps for accounts with new changes failed."""
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
        return not self._changed and not self._at_work

    @property
    def behind(self) -> int:
        """Accounts with changes that are not indexed."""
        return len(self._changed | self._at_work)

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
        try:
            await self._fill_account(due[0])
        except Exception:
            await self._dues.postpone(due[0], Task.FILL, self._clock.now() + LATER)  # the others come first
            raise
        self._filling_seconds += (self._clock.monotonic() - began) / self._settings.fill_share
        await asyncio.sleep((self._clock.monotonic() - began) * (1 / self._settings.fill_share - 1))
        return True

    async def _fill_account(self, account: str) -> None:
        (reach,) = await self._reaches([account])
        if await self._bring_up(reach):
            await self._retry_unread(account)
            await self._dues.done(account, Task.FILL)
            self.filled += 1

    async def _catch_up(self, accounts: Sequence[str]) -> None:
        """Take a step for accounts with new changes; those that are not up to date after it come last."""
        left = self._at_work = dict.fromkeys(accounts)
        for account in accounts:
            self._changed.pop(account, None)
        try:
            for reach in await self._reaches(accounts):
                if await self._is_caught_up(reach):
                    del left[reach.account]
                else:
                    left[reach.account] = left.pop(reach.account)
        except _StepFailed as failed:
            del left[failed.account]
            if await self._comes_last(failed.account):
                left[failed.account] = None
            raise failed.error from failed
        finally:
            self._changed.update(left)
            self._at_work = {}

    async def _is_caught_up(self, reach: pb.AccountReach) -> bool:
        try:
            is_done = await self._bring_up(reach)
        except Exception as error:
            raise _StepFailed(reach.account, error) from error
        self._failed.pop(reach.account, None)
        return is_done

    async def _comes_last(self, account: str) -> bool:
        """Whether an account that failed stays in the line; one that fails all the time is filled later instead."""
        self._failed[account] += 1
        if self._failed[account] < _TRIES:
            return True
        await self._dues.note([account], Task.FILL, self._clock.now() + LATER)
        del self._failed[account]
        return False

    async def _reaches(self, accounts: Sequence[str]) -> Sequence[pb.AccountReach]:
        request = pb.ReachesRequest()
        for account in accounts:
            request.accounts.add(account=account, version=self._versions.get(account, 0))
        return (await self._mailstore.ListReaches(request)).accounts

    async def _bring_up(self, reach: pb.AccountReach) -> bool:
        """Hand over some of an account's messages; whether it is up to date after it."""
        async with self._locks.of(reach.account):
            return await self._step(reach)

    async def _step(self, reach: pb.AccountReach) -> bool:
        if not reach.version:
            await self._engine.drop_account(reach.account)
            return True
        reached = await self._engine.reached(reach.account)
        if not reached and self._versions.pop(reach.account, 0):
            return False  # its index may have been lost, and the answer names only mailboxes that changed since
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
        return len(answered) == len(behind) or (not reply.mailboxes and len(behind) <= _MAILBOXES)

    async def _hand_over(self, account: str, page: pb.MailboxEntries, after: int) -> None:
        keys = [document_key(entry.blob, entry.prefix) for entry in page.entries]
        lacking = set(await self._engine.lacking(account, list(dict.fromkeys(keys))))
        builder = BatchBuilder(page.mailbox, after)
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
                builder = BatchBuilder(mailbox, reached)
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

    async def _read(self, builder: BatchBuilder, entry: pb.DocumentEntry, key: bytes, *, is_lacking: bool) -> None:
        if not is_lacking or key in builder.documents:
            builder.entries.append(IndexEntry(entry.uid, key))
            return
        try:
            read = await self._documents.read(entry.blob, entry.prefix)
        except (BlobMissing, BlobDamaged) as error:
            log.warning("indexer.unread", blob=entry.blob, error=str(error))
            builder.unread.append(entry.uid)
            return
        except NOT_NOW:
            raise
        except Exception as error:  # no message keeps the others of its account out of the index
            log.error("indexer.unread", blob=entry.blob, exc_info=error)
            builder.unread.append(entry.uid)
            return
        builder.add(entry.uid, read.document, entry.blob if read.has_attachments else "")
