"""Finds the mails of an account in the event log of a service, a page of events at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from shared.erasure.log_erasure import Advanced, Erased
from shared.erasure.mail_marks import Mark
from shared.eventstore.connection import Row
from shared.eventstore.event import Event, UnknownEvent
from shared.eventstore.rewriting import page_after
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import recorded_from
from shared.ids import SHARDS

_PAGE = 500
Judge = Callable[[Event, Erased], tuple[str, Mark]]
"""The queue id of a mail that an event is about, and what the erasure has to do with it."""
Note = Callable[[str, list[str], list[str]], Awaitable[None]]
"""Notes mails of an account: those that are only its own, and those of which it is a part."""


class LogCollection:
    """The log of one service. How far it is, is stored with each page, so that a restart goes on there."""

    def __init__(self, store: EventStore, judge: Judge) -> None:
        self._store = store
        self._judge = judge

    async def run(self, erased: Erased, note: Note, advanced: Advanced) -> None:
        """Note all mails of the account that are in the log now."""
        cursor, heads, count = f"collection {erased.account}", await self._store.heads(), 0
        reached = await self._store.cursor(cursor)
        for shard in range(SHARDS):
            after = reached[shard]
            while after < heads.get(shard, 0):
                rows = await self._store.read(partial(page_after, shard=shard, after=after, limit=_PAGE))
                if not rows:
                    break
                after = rows[-1][1]
                whole, part = await asyncio.to_thread(self._marked, rows, erased)
                await note(erased.account, whole, part)
                position = {shard: after}
                await self._store.write(lambda tx, position=position: tx.set_cursor(cursor, position))  # type: ignore[misc]
                count += len(rows)
                advanced(count)
        await self._store.write(lambda tx: tx.connection.execute("DELETE FROM cursor WHERE name = ?", (cursor,)))

    def _marked(self, rows: list[Row], erased: Erased) -> tuple[list[str], list[str]]:
        marked: dict[Mark, list[str]] = {mark: [] for mark in Mark}
        account = erased.account.encode()
        for row in rows:
            if account not in bytes(row[-1]) and not erased.marks.of(row[2]):
                continue
            try:
                event = recorded_from(row).event
            except (UnknownEvent, msgspec.DecodeError):
                continue
            queue_id, mark = self._judge(event, erased)
            marked[mark].append(queue_id)
        return marked[Mark.WHOLE], marked[Mark.PART]
