"""A whole index: its engine, and all that keeps it up to date."""

from __future__ import annotations

from services.indexer.adapters.catalog import Dues, NotedIndex, Task
from services.indexer.domain.engine import TextEngine
from services.indexer.handlers.account_changes import AccountChanges
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.attachments import Attachments
from services.indexer.handlers.indexing import Indexing
from services.indexer.handlers.sweep import Sweep


class WorkingGeneration:
    """An index at work."""

    def __init__(
        self,
        generation: NotedIndex,
        engine: TextEngine,
        dues: Dues,
        locks: AccountLocks,
        indexing: Indexing,
        changes: AccountChanges,
        sweep: Sweep,
        attachments: Attachments,
    ) -> None:
        self.generation = generation
        self.engine = engine
        self.dues = dues
        self.indexing = indexing
        self.changes = changes
        self.sweep = sweep
        self.attachments = attachments
        self._locks = locks
        self._is_running = False

    @property
    def number(self) -> int:
        """The number of the index."""
        return self.generation.number

    def start(self) -> None:
        """Begin to keep the index up to date."""
        self._is_running = True
        self.indexing.start()
        self.changes.start()
        self.sweep.start()
        self.attachments.start()

    async def stop(self) -> None:
        """Stop; questions are still answered."""
        if self._is_running:
            self._is_running = False
            await self.attachments.stop()
            await self.sweep.stop()
            await self.indexing.stop()
            await self.changes.stop()

    async def is_complete(self) -> bool:
        """Whether all messages of the mailboxes are in the index."""
        if not self.changes.has_begun or not self.indexing.is_quiet or not self.changes.follower.caught_up.is_set():
            return False
        return Task.FILL not in await self.dues.counts()

    async def drop_account(self, account: str) -> None:
        """Forget an account and leave nothing of it behind."""
        async with self._locks.of(account):
            await self.engine.drop_account(account)

    async def delete(self) -> None:
        """Delete the index."""
        await self.stop()
        await self.engine.discard()
