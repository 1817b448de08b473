"""Forgets removed messages when the undelete window has ended.

Each step is one event about at most some thousand messages, so that the tables follow from the log and no step takes
long. Messages are not offered after the window even before they are forgotten.
"""

from __future__ import annotations

from typing import NamedTuple

from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.events.restoring import RemovedForgotten
from shared.eventstore.connection import Reader, StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.expiry import DAY

_PROVENANCE = Provenance(Actor("service", "mailstore", "undelete"))
_MESSAGES, _REMOVALS = 2000, 200
"""Messages after which a step ends, and removals of a step. The last removal may have as many as one event names."""
_LATEST = 1 << 62
_OLDEST = "SELECT account FROM removal WHERE at <= ? ORDER BY at LIMIT 1"
_PAST = "SELECT version FROM removal WHERE account = ? AND at <= ? ORDER BY version LIMIT ?"
_COUNT = "SELECT count(*) FROM removed_entry WHERE account = ? AND version = ?"


class ForgottenRemovals(NamedTuple):
    """The removals that a step forgets: those up to a version."""

    through: int
    messages: int


class UndeleteWindow:
    """The background task."""

    def __init__(self, store: EventStore, clock: Clock, days: int, seconds: float) -> None:
        """`days` is the undelete window, and `seconds` the time between two looks."""
        self._store = store
        self._clock = clock
        self._days = days
        self._task = BackgroundTask(
            "mailstore", "undelete", every(seconds, self._turn), longest=4 * seconds + 60, not_now=(StoreUnavailable,)
        )

    def start(self) -> None:
        """Begin to look."""
        self._task.start()

    async def stop(self) -> None:
        """Forget no more."""
        await self._task.stop()

    async def look(self) -> int:
        """Forget what is past the window; returns how many messages that were. Raises StoreUnavailable."""
        until, forgotten = self._clock.now() - self._days * DAY, 0
        while oldest := await self._store.read(lambda reader: reader.first_row(_OLDEST, (until,))):
            account = oldest[0]
            forgotten += await self._store.write(lambda tx, account=account: forget(tx, account, until), long=True)  # type: ignore[misc]
            self._task.advanced()
        return forgotten

    async def _turn(self) -> None:
        await self.look()


def forget(tx: Transaction, account: str, until: int = _LATEST) -> int:
    """Forget the oldest of an account's removals until a time; returns how many messages they had."""
    step = _step(tx, account, until)
    if step is None:
        return 0
    tx.append(account, [RemovedForgotten(account, step.through)], _PROVENANCE)
    return step.messages


def has_removals(reader: Reader, account: str) -> bool:
    """Whether messages of an account can be restored, or could until they are forgotten."""
    return reader.first_row("SELECT 1 FROM removal WHERE account = ? LIMIT 1", (account,)) is not None


def _step(reader: Reader, account: str, until: int) -> ForgottenRemovals | None:
    step: ForgottenRemovals | None = None
    for (version,) in reader.all(_PAST, (account, until, _REMOVALS)):
        row = reader.first_row(_COUNT, (account, version))
        step = ForgottenRemovals(version, (step.messages if step else 0) + (row[0] if row else 0))
        if step.messages >= _MESSAGES:
            break
    return step
