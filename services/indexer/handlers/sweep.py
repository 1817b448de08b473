"""Removes from the index what the mailboxes no longer have. Nothing of it is shown before, because every answer is
compared with the mailboxes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.indexer.adapters.catalog import Dues, Task
from services.indexer.domain.engine import TextEngine
from services.indexer.handlers.account_locks import AccountLocks
from services.indexer.handlers.indexing import LATER, NOT_NOW
from shared.background import BackgroundTask
from shared.clock import Clock
from shared.grpc.channel import Channel
from shared.grpc.errors import NotFound
from shared.protocol.imap.packed_ranges import unpack
from shared.protocol.imap.ranges import Ranges, joined
from shared.rpc.mailfold.mailstore.v1 import documents_pb2 as pb
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import DocumentsStub

log = structlog.get_logger("indexer")
_PAUSE = 5.0
"""Seconds between looks for accounts that are due."""


class Sweep:
    """The background task: one account after the other, then the upkeep of its index."""

    def __init__(
        self,
        service: str,
        engine: TextEngine,
        dues: Dues,
        mailstore: Channel,
        clock: Clock,
        locks: AccountLocks,
        swept: Callable[[str], Awaitable[None]],
    ) -> None:
        """`swept` is awaited with each account whose removed messages were taken out."""
        self._engine = engine
        self._dues = dues
        self._mailstore = DocumentsStub(mailstore)
        self._clock = clock
        self._locks = locks
        self._swept = swept
        self._task = BackgroundTask(service, "sweep", self._turn, not_now=NOT_NOW)

    def start(self) -> None:
        """Begin."""
        self._task.start()

    async def stop(self) -> None:
        """Stop; the account is swept again after the next start."""
        await self._task.stop()

    async def _turn(self) -> None:
        due = await self._dues.due(Task.SWEEP, self._clock.now(), 1)
        if not due:
            await asyncio.sleep(_PAUSE)
            return
        try:
            removed = await self.sweep(due[0])
        except Exception:
            await self._dues.postpone(due[0], Task.SWEEP, self._clock.now() + LATER)  # the others come first
            raise
        await self._dues.done(due[0], Task.SWEEP)
        if removed:
            log.info("indexer.swept", account=due[0], places=removed)

    async def sweep(self, account: str) -> int:
        """Remove what an account no longer has; returns how many places were removed."""
        async with self._locks.of(account):
            return await self._sweep(account)

    async def _sweep(self, account: str) -> int:
        reached = await self._engine.reached(account)
        request = pb.ReachesRequest(accounts=[pb.AccountVersion(account=account)])
        reach = (await self._mailstore.ListReaches(request)).accounts[0]
        living = {mailbox.mailbox for mailbox in reach.mailboxes}
        removed = 0
        for mailbox in reached:
            if mailbox not in living:
                await self._engine.drop_mailbox(account, mailbox)
                removed += 1
                continue
            try:
                removed += await self._engine.retain(account, mailbox, await self._uids(account, mailbox))
            except NotFound:
                await self._engine.drop_mailbox(account, mailbox)
            self._task.advanced()
        await self._swept(account)
        await self._engine.tend(account)
        return removed

    async def _uids(self, account: str, mailbox: str) -> Ranges:
        spans: list[tuple[int, int]] = []
        async for batch in self._mailstore.ReadUids(pb.ReadUidsRequest(account=account, mailbox=mailbox)):
            spans += unpack(batch.uids)
        return joined(spans)
