"""Opens event stores on one database, as often as a test needs, and closes them all."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable

import sqlalchemy

from shared.clock import FixedClock
from shared.eventstore.deadletters import DeadLetterProjection
from shared.eventstore.store import Backend, EventStore
from shared.eventstore.transaction import Transaction
from tests.contract.eventstore.sample import PROVENANCE, Filled, Purses

MakeBackend = Callable[[], Backend]


class Harness:
    """One database."""

    def __init__(self, make_backend: MakeBackend) -> None:
        self.make_backend = make_backend
        self.clock = FixedClock()
        self._open: list[EventStore] = []

    def store(
        self,
        backend: Backend | None = None,
        *,
        holder: str = "one",
        version: int = 1,
        fenced_out: Callable[[str], None] | None = None,
    ) -> EventStore:
        """A store that is not open yet."""
        metadata = sqlalchemy.MetaData()
        projections = (Purses(metadata, version), DeadLetterProjection(metadata))
        return EventStore(
            backend or self.make_backend(), metadata, projections, self.clock, holder, fenced_out=fenced_out
        )

    async def open(self, backend: Backend | None = None, *, holder: str = "one", version: int = 1) -> EventStore:
        """An open store."""
        store = self.store(backend, holder=holder, version=version)
        await store.open()
        self._open.append(store)
        return store

    async def open_to_read(self, *, version: int = 1) -> EventStore:
        """A store that only reads."""
        store = self.store(version=version)
        await store.open_to_read()
        self._open.append(store)
        return store

    async def close(self, store: EventStore) -> None:
        """Close one store."""
        self._open.remove(store)
        await store.close()

    async def close_all(self) -> None:
        for store in self._open:
            with contextlib.suppress(Exception):
                await store.close()


async def fill(store: EventStore, purse: str, coins: int = 1, *, expected: int | None = None, note: bytes = b"") -> int:
    """Write the new version of the purse in one unit of work."""
    recorded = await store.write(
        lambda transaction: transaction.append(purse, [Filled(purse, coins, note)], PROVENANCE, expected=expected)
    )
    return recorded[-1].version


@contextlib.asynccontextmanager
async def single_group(store: EventStore) -> AsyncIterator[None]:
    """Units of work submitted in this block wait behind a blocked one and run in the groups after it."""
    started, go = threading.Event(), threading.Event()

    def hold(_transaction: Transaction) -> None:
        started.set()
        go.wait(10)

    # A long unit of work runs on the thread; on the event loop this one would block it.
    held = asyncio.ensure_future(store.write(hold, long=True))
    await asyncio.to_thread(started.wait, 10)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        go.set()
        await held
