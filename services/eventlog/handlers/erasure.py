"""The step of the event log in the erasure of a deleted account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, Protocol

from services.eventlog.adapters import copy_rows
from services.eventlog.adapters.log_writer import LogWriter
from services.eventlog.adapters.logged_event import LoggedEvent, after_id
from services.eventlog.adapters.packing import Packer
from services.eventlog.domain.erasure import is_erased, remaining
from services.eventlog.domain.log_id import begin_of
from shared.bus.bus import Bus
from shared.clock import Clock
from shared.erasure.log_erasure import Advanced, Erased
from shared.erasure.worker import ErasureWorker
from shared.eventstore.rewriting import drop_former_pages
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.grpc.channel import Channel

_PAGE = 200
"""Events of a page: some ten milliseconds, beside the event loop."""
_FORGET = "DELETE FROM fact WHERE id = ?"
_CHANGE = "UPDATE fact SET actor = ?, data = ? WHERE id = ?"
Lag = Callable[[], Awaitable[int]]


class _Page(NamedTuple):
    """What changes in a page of the log, and the last id of it."""

    erased: list[tuple[int]]
    changed: list[tuple[str, bytes, int]]
    last: int


class LogCopy(Protocol):
    """The copy of the log, which must forget as well."""

    async def forgotten(self) -> str:
        """Let it forget; returns why it has not yet, empty when it has."""


class EventLogErasure:
    """Deletes the events about the account alone, and takes its addresses out of the others."""

    def __init__(
        self,
        service: str,
        store: EventStore,
        directory: Channel,
        bus: Bus,
        clock: Clock,
        packer: Packer,
        writer: LogWriter,
        lag: Lag,
        copy: LogCopy | None,
    ) -> None:
        """`lag` is the number of events of all services that the log does not have; -1: nobody knows.

        `copy` is the copy of the log in OpenSearch; None without one.
        """
        self._store = store
        self._clock = clock
        self._packer = packer
        self._writer = writer
        self._lag = lag
        self._copy = copy
        self.worker = ErasureWorker(service, directory, bus, {"erase": self._erase})

    async def _erase(self, erased: Erased, advanced: Advanced) -> str:
        if await self._lag():
            return "the event log does not have every event yet"
        await self._writer.written()
        end, cursor, count = begin_of(self._clock.now()), f"erasure {erased.account}", 0
        last = (await self._store.cursor(cursor))[0]
        while last < end:
            events = await self._store.read_long(partial(after_id, after=last, limit=_PAGE))
            if not events:
                break
            page = await asyncio.to_thread(self._page, events, erased)
            keep = partial(_keep, cursor=cursor, page=page, copies=self._copy is not None)
            await self._store.write(keep, long=True)
            last, count = page.last, count + len(events)
            advanced(count)
        if self._copy is not None and (waits := await self._copy.forgotten()):
            return waits
        await self._store.write(lambda tx: tx.connection.execute("DELETE FROM cursor WHERE name = ?", (cursor,)))
        await drop_former_pages(self._store)
        return ""

    def _page(self, events: list[LoggedEvent], erased: Erased) -> _Page:
        page = _Page([], [], events[-1].id)
        for event in events:
            if is_erased(event.type, event.stream, event.correlation, event.data, erased):
                page.erased.append((event.id,))
                continue
            actor, data = remaining(event.actor, event.data, event.correlation, event.at, erased)
            if (actor, data) != (event.actor, event.data):
                page.changed.append((actor, self._packer.pack(data), event.id))
        return page


def _keep(tx: Transaction, cursor: str, page: _Page, copies: bool) -> None:
    if copies:
        changed = [row[-1] for row in page.changed]
        copy_rows.forget(tx.connection, [*(log_id for (log_id,) in page.erased), *changed])
        copy_rows.send(tx.connection, changed)
    tx.connection.execute_many(_FORGET, page.erased)
    tx.connection.execute_many(_CHANGE, page.changed)
    tx.set_cursor(cursor, {0: page.last})
