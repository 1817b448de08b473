"""Ends what has an end when its time is over: temporary aliases, app passwords, and reservations of addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from services.directory.handlers import archive_rows, load
from services.directory.handlers.aliases import AliasCommands
from services.directory.handlers.app_passwords import AppPasswordCommands
from services.directory.handlers.archives import ArchiveCommands
from services.directory.handlers.credential_rows import expiring_app_passwords
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.events.archives import AccountArchived
from shared.events.credentials import AppPasswordAdded
from shared.events.directory import AliasEndChanged
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Event, Provenance, Recorded
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction

_PAGE = 100
_IDLE_SECONDS = 60.0
_LONGEST_PAUSE = 30.0
_SECOND = 1_000_000
_PROVENANCE = Provenance(Actor("service", "directory"))


class EndKind(NamedTuple):
    """What has ends of one kind."""

    name: str
    next: Callable[[Reader, int], Sequence[tuple[str, int]]]
    """The keys of so many that end next, with the times."""
    end: Callable[[Transaction, Sequence[str], Provenance], None]
    """Ends those of these whose time is over."""
    sets: type[Event]
    """The event that sets or moves an end."""
    is_long: bool = False
    """Whether an end may change so much that it must not hold the event loop."""


def alias_ends(commands: AliasCommands) -> EndKind:
    """The ends of temporary aliases."""
    return EndKind("alias-ends", load.ending_aliases, commands.end, AliasEndChanged)


def app_password_ends(commands: AppPasswordCommands) -> EndKind:
    """The ends of app passwords."""
    return EndKind("app-password-ends", expiring_app_passwords, commands.expire, AppPasswordAdded)


def address_releases(commands: ArchiveCommands) -> EndKind:
    """The ends of the time for which the addresses of archives are reserved."""
    return EndKind("address-releases", archive_rows.next_releases, commands.release, AccountArchived, is_long=True)


class Ends:
    """The background task of one kind. What ended while the directory did not run is ended at its start."""

    def __init__(self, service: str, store: EventStore, kind: EndKind, clock: Clock) -> None:
        self._store = store
        self._kind = kind
        self._clock = clock
        self._changed = asyncio.Event()
        self._task = BackgroundTask(
            service,
            kind.name,
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
        if any(isinstance(entry.event, self._kind.sets) for entry in recorded):
            self._changed.set()

    async def _turn(self) -> None:
        self._changed.clear()
        ending = await self._store.read(self._next)
        now = self._clock.now()
        due = [key for key, ends_at in ending if ends_at <= now]
        if due:
            await self._store.write(partial(self._end, keys=due), long=self._kind.is_long)
            return
        pause = min((ends_at - now for _, ends_at in ending), default=0) / _SECOND or _IDLE_SECONDS
        await woken_within(self._changed, min(pause, _IDLE_SECONDS))

    def _next(self, reader: Reader) -> Sequence[tuple[str, int]]:
        return self._kind.next(reader, _PAGE)

    def _end(self, tx: Transaction, keys: Sequence[str]) -> None:
        self._kind.end(tx, keys, _PROVENANCE)
