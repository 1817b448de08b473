"""Which index serves, and which one is built beside it until it is complete.

So an index is rebuilt, or built in another engine, while the old one answers. A single one is built at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from services.indexer.adapters.catalog import Catalog, NotedIndex
from services.indexer.domain.engine import IndexUnavailable, TextsElsewhere
from services.indexer.handlers.generation import WorkingGeneration
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable

log = structlog.get_logger("indexer")
_LOOK_SECONDS = 2.0
_DELETE_SECONDS = 60.0
Make = Callable[[NotedIndex], WorkingGeneration]


class Generations:
    """All indexes. `engine` is the engine that the settings choose; "off" stops all work and keeps what there is."""

    def __init__(self, service: str, catalog: Catalog, make: Make, engine: str, clock: Clock, folder: Path) -> None:
        self._catalog = catalog
        self._make = make
        self.engine = engine
        self._clock = clock
        self.folder = folder
        """The folder of all indexes."""
        self._wake = asyncio.Event()
        self._beginning = asyncio.Lock()
        self._serving: WorkingGeneration | None = None
        self._building: WorkingGeneration | None = None
        self._leaving: list[WorkingGeneration] = []
        """Indexes to delete, which may have to wait for another server."""
        self._delete_at = 0.0
        self._task = BackgroundTask(
            service, "generations", self._turn, not_now=(StoreUnavailable, IndexUnavailable, OSError)
        )

    @property
    def is_off(self) -> bool:
        """Whether there is no index by the settings."""
        return self.engine == "off"

    @property
    def serving(self) -> WorkingGeneration | None:
        """The index that answers; None when there is none."""
        return None if self.is_off else self._serving

    @property
    def building(self) -> WorkingGeneration | None:
        """The index that is built beside it, if any."""
        return self._building

    async def start(self) -> None:
        """Load the indexes of earlier processes, and begin with a first one where there is none."""
        for generation in await self._catalog.generations():
            working = self._make(generation)
            if generation.is_serving:
                self._serving = working
            elif self._building is None and (self.is_off or generation.engine == self.engine):
                self._building = working
            else:
                self._leaving.append(working)
        if self.is_off:
            self._task.start()
            return
        if self._serving is None:
            self._serving = self._make(await self._catalog.begin(self.engine, self._clock.now()))
        elif self._serving.generation.engine != self.engine and self._building is None:
            self._building = self._make(await self._catalog.begin(self.engine, self._clock.now()))
        for working in self.all():
            working.start()
        self._task.start()

    async def stop(self) -> None:
        """Stop and close all indexes."""
        await self._task.stop()
        for working in (*self.all(), *self._leaving):
            await working.stop()
            await working.engine.close()

    async def rebuild(self) -> NotedIndex:
        """Begin to build an index anew beside the serving one; returns the one that is built already, if any."""
        async with self._beginning:
            if self._building is None:
                self._building = self._make(await self._catalog.begin(self.engine, self._clock.now()))
                self._building.start()
                self._wake.set()
            return self._building.generation

    async def drop_account(self, account: str) -> None:
        """Forget an account in all indexes, also while they do not serve, or are to be deleted."""
        for working in (*self.all(), *self._leaving):
            await working.drop_account(account)

    def all(self) -> list[WorkingGeneration]:
        """The serving index, and the one that is built."""
        return [working for working in (self._serving, self._building) if working is not None]

    async def _turn(self) -> None:
        await self._delete_leaving()
        if self._building is None:
            self._wake.clear()
            await woken_within(self._wake, 60.0)
            return
        if await self._building.is_complete():
            await self._switch(self._building)
        await asyncio.sleep(_LOOK_SECONDS)

    async def _switch(self, complete: WorkingGeneration) -> None:
        before = self._serving
        await self._catalog.serve(complete.number)
        complete.generation = complete.generation._replace(is_serving=True)
        self._serving, self._building = complete, None
        log.info("indexer.switched", generation=complete.number, engine=complete.generation.engine)
        if isinstance(complete.engine, TextsElsewhere):
            await self._name(complete.engine)
        if before is not None:
            self._leaving.append(before)
            self._delete_at = 0.0
            await self._delete_leaving()

    async def _name(self, engine: TextsElsewhere) -> None:
        try:
            await engine.serve()
        except IndexUnavailable as error:  # the engine does it when its server is back
            log.info("indexer.not_named", reason=str(error))

    async def _delete_leaving(self) -> None:
        """Delete the indexes that nobody needs; what cannot be deleted now is tried again in the next turn."""
        if self._clock.monotonic() < self._delete_at:
            return
        self._delete_at = self._clock.monotonic() + _DELETE_SECONDS
        for working in tuple(self._leaving):
            try:
                await working.delete()
            except (IndexUnavailable, OSError) as error:
                log.warning("indexer.not_deleted", generation=working.number, reason=str(error))
                continue
            await self._catalog.forget(working.number)
            self._leaving.remove(working)
