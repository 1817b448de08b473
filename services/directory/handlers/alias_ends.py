"""Ends temporary aliases when their time is over."""

from __future__ import annotations

import asyncio
from functools import partial

from services.directory.handlers import load
from services.directory.handlers.aliases import AliasCommands
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.events.directory import AliasEndChanged
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance, Recorded
from shared.eventstore.store import EventStore

_PAGE = 100
_IDLE_SECONDS = 60.0
_LONGEST_PAUSE = 30.0
_SECOND = 1_000_000
_PROVENANCE = Provenance(Actor("service", "directory"))


class AliasEnds:
    """The background task. What ended while the directory did not run is ended at its start."""

    def __init__(self, service: str, store: EventStore, commands: AliasCommands, clock: Clock) -> None:
        self._store = store
        self._commands = commands
        self._clock = clock
        self._changed = asyncio.Event()
        self._task = BackgroundTask(
            service,
            "alias-ends",
            self._turn,
            longest=4 * _IDLE_SECONDS,
            not_now=(StoreUnavailable,),
            longest_pause=_LONGEST_PAUSE,
        )

    def start(self) -> None:
        """Begin to wait for ends."""
        self._task.start()

    async def stop(self) -> None:
        """Stop waiting."""
        await self._task.stop()

    def committed(self, recorded: list[Recorded]) -> None:
        """Look again when an end was set or moved."""
        if any(isinstance(entry.event, AliasEndChanged) for entry in recorded):
            self._changed.set()

    async def _turn(self) -> None:
        self._changed.clear()
        ending = await self._store.read(partial(load.ending_aliases, limit=_PAGE))
        now = self._clock.now()
        due = [key for key, ends_at in ending if ends_at <= now]
        if due:
            await self._store.write(partial(self._commands.end, keys=due, provenance=_PROVENANCE))
            return
        pause = min((ends_at - now for _, ends_at in ending), default=0) / _SECOND or _IDLE_SECONDS
        await woken_within(self._changed, min(pause, _IDLE_SECONDS))
