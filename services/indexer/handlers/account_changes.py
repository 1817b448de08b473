"""Follows the events of the mailstore and names the accounts that changed.

What an event says does not matter here. The place is stored when everything up to it is indexed, so a process that ends
in between sees these accounts again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.indexer.adapters.catalog import Dues, Task
from services.indexer.domain.engine import ALL_ACCOUNTS, TextEngine
from services.indexer.handlers.indexing import NOT_NOW, Indexing
from services.indexer.index_settings import IndexSettings
from shared.background import BackgroundTask, woken_within
from shared.bus.bus import Bus
from shared.clock import Clock
from shared.eventstore.store import EventStore
from shared.grpc.channel import Channel
from shared.owner.follower import Follower, Places
from shared.owner.source import RemoteSource
from shared.rpc.mailfold.events.v1 import events_pb2
from shared.rpc.mailfold.mailstore.v1.documents_pb2 import ListAccountsRequest
from shared.rpc.mailfold.mailstore.v1.documents_pb2_grpc import DocumentsStub

_AREAS = ("message.", "mailbox.", "account.")
_LEAVE = ("message.expunged", "message.moved", "message.expired", "message.fetched_away", "mailbox.deleted")
"""Types of events after which places of the index no longer exist."""


class AccountChanges:
    """The follower of the mailstore, and the comparison of all accounts: at the first start, and every day."""

    def __init__(
        self,
        service: str,
        store: EventStore,
        dues: Dues,
        engine: TextEngine,
        mailstore: Channel,
        bus: Bus,
        indexing: Indexing,
        clock: Clock,
        settings: IndexSettings,
        cursor: str,
    ) -> None:
        """`cursor` names the place up to which the events are followed."""
        self._store = store
        self._dues = dues
        self._engine = engine
        self._accounts = DocumentsStub(mailstore)
        self._source = RemoteSource(mailstore)
        self._indexing = indexing
        self._clock = clock
        self._settings = settings
        self._cursor = cursor
        self._compared = f"{cursor} compared"
        self._compared_at = 0
        """When all accounts were noted to be compared, in UTC microseconds."""
        self._followed: Places = {}
        self._asked: dict[str, None] = {}
        self._wake = asyncio.Event()
        self.has_begun = False
        """Whether all accounts are noted, or an earlier process has done so."""
        self._task = BackgroundTask(service, "comparison", self._turn, not_now=NOT_NOW, longest_pause=10.0)
        self.follower = Follower(
            service,
            self._source,
            bus,
            "mailstore",
            self._effect,
            areas=_AREAS,
            rewind=self._rewind,
            gather_seconds=settings.gather_seconds,
        )

    def start(self) -> None:
        """Begin to follow as soon as the mailstore answers."""
        self._task.start()

    async def stop(self) -> None:
        """Stop following and store the place."""
        await self._task.stop()
        await self.follower.stop()
        self.note_indexed()
        await self._store.flush_cursors()

    def note_indexed(self) -> None:
        """Note the place when everything up to it is indexed."""
        if self._indexing.is_quiet:
            for shard, place in self._followed.items():
                self._store.note_cursor(self._cursor, shard, place.position, place.at)

    async def note_all_accounts(self) -> int:
        """Note that every account is to be compared in the background; returns how many there are.

        Accounts of the index that the mailstore does not have are among them, and leave the index.
        """
        after, count = "", 0
        gone = set(await self._engine.accounts())
        while accounts := (await self._accounts.ListAccounts(ListAccountsRequest(after=after))).accounts:
            await self.note_accounts(accounts)
            gone.difference_update(accounts)
            after, count = accounts[-1], count + len(accounts)
        await self.note_accounts(sorted(gone))
        self._compared_at = self._clock.now()
        self._store.note_cursor(self._compared, 0, self._compared_at)
        return count

    async def _note_lacking(self) -> None:
        """Note accounts of which the index has nothing: its files may have been removed."""
        after, known = "", set(await self._engine.accounts())
        while accounts := (await self._accounts.ListAccounts(ListAccountsRequest(after=after))).accounts:
            await self._dues.note(sorted(set(accounts) - known), Task.FILL, self._clock.now())
            after = accounts[-1]

    async def note_accounts(self, accounts: Sequence[str]) -> None:
        """Note that accounts are to be compared in the background."""
        for task in Task:
            await self._dues.note(accounts, task, self._clock.now())
        self._indexing.look()

    async def _turn(self) -> None:
        if not self.has_begun:
            await self.follower.start(await self._begin())
            self.has_begun = True
        since = (self._clock.now() - self._compared_at) / 1e6
        if not await woken_within(self._wake, max(0, self._settings.compare_hours * 3600 - since)):
            await self.note_all_accounts()
            return
        self._wake.clear()
        asked = tuple(self._asked)
        if ALL_ACCOUNTS in asked:
            await self.note_all_accounts()
        else:
            await self.note_accounts(asked)
        for account in asked:
            del self._asked[account]

    def compare_soon(self, account: str) -> None:
        """Compare an account with the index, or all of them: it has lost what it had."""
        self._asked[account] = None
        self._wake.set()

    async def _begin(self) -> Places:
        """The places to follow from: where the last process had indexed everything, or now, with all accounts due."""
        stored = await self._store.followed(self._cursor)
        if any(place.position for place in stored.values()):
            self._compared_at = (await self._store.cursor(self._compared))[0]
            await self._note_lacking()
            return stored
        heads = await self._source.heads()
        await self.note_all_accounts()
        await self._store.follow_from(self._cursor, heads)
        return heads

    async def _rewind(self, agreed: Places) -> Places:
        """The mailstore was restored from a backup, so UIDs may name other messages: everything is indexed again."""
        for account in await self._engine.accounts():
            await self._engine.drop_account(account)
        await self.note_all_accounts()
        return agreed

    async def _effect(self, events: Sequence[events_pb2.Event], after: Places) -> None:
        self._indexing.changed(event.stream for event in events)
        left = dict.fromkeys(event.stream for event in events if event.type in _LEAVE)
        await self._dues.note(list(left), Task.SWEEP, self._clock.now() + int(self._settings.sweep_seconds * 1e6))
        self._followed |= after
        self.note_indexed()
