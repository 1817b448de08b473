"""Writes the folded log-ins as events, at intervals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from services.directory.domain.folded_logins import FoldedLogin, FoldedLogins
from services.directory.domain.lockouts import Lockouts
from services.directory.handlers.commands import append
from services.directory.handlers.lockout_rows import WallTimes, record_known_networks, record_notes
from shared.background import BackgroundTask, every
from shared.clock import Clock
from shared.events.credentials import AppPasswordUsed
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.eventstore.store import EventStore
from shared.eventstore.transaction import Transaction
from shared.network.address import network_of

log = structlog.get_logger("directory")
_PATIENCE = 60.0
_FEW = 50
"""Log-ins and lockouts that are written on the event loop, in some milliseconds; a flood has thousands."""


class LoginJournal:
    """Writes folded log-ins.

    A crash may lose the log-ins since the last write; that is acceptable, while a disk flush for each log-in is not.
    """

    def __init__(
        self, store: EventStore, folded: FoldedLogins, lockouts: Lockouts, clock: Clock, every_seconds: float
    ) -> None:
        self._store = store
        self._folded = folded
        self._lockouts = lockouts
        self._clock = clock
        self._task = BackgroundTask(
            "directory", "login-journal", every(every_seconds, self.write), longest=3 * every_seconds + _PATIENCE
        )

    def start(self) -> None:
        """Begin to write at intervals."""
        self._task.start()

    async def stop(self) -> None:
        """Write the remaining log-ins and stop."""
        await self._task.stop()
        await self.write(everything=True)

    async def write(self, *, everything: bool = False) -> None:
        """Write the log-ins that are due, and the lockouts that began or ended, in one transaction."""
        due = list(self._folded.due(self._clock.monotonic(), everything=everything))
        notes = self._lockouts.due(self._clock.monotonic())
        if not (due or notes):
            return
        times = WallTimes(self._clock)
        stream = f"logins:{datetime.fromtimestamp(self._clock.now() / 1_000_000, UTC):%Y-%m-%d}"

        def work(tx: Transaction) -> None:
            _append(tx, stream, due)
            record_known_networks(tx, _networks(due), self._clock.now())
            record_notes(tx, notes, times)

        try:
            await self._store.write(work, long=len(due) + len(notes.begun) + len(notes.ended) > _FEW)
        except StoreUnavailable as error:
            log.warning("directory.logins_lost", count=len(due), error=str(error))


def _append(tx: Transaction, stream: str, due: Sequence[tuple[FoldedLogin, int]]) -> None:
    for login, count in due:
        tx.append(stream, [login.event(count)], Provenance(_actor(login)))
    used = {login.credential: login for login, _ in due if login.credential}
    for credential, login in used.items():
        event = AppPasswordUsed(credential, login.protocol, login.address)
        append(tx, f"app-password:{credential}", [event], Provenance(_actor(login)))


def _networks(due: Sequence[tuple[FoldedLogin, int]]) -> set[tuple[str, str]]:
    """The accounts that were opened, with the networks from which."""
    opened = {(login.account, network_of(login.address)) for login, _ in due if not login.reason}
    return {(account, network) for account, network in opened if account and network}


def _actor(login: FoldedLogin) -> Actor:
    if login.reason:
        return Actor("remote", address=login.address)
    return Actor("user", id=login.user, credential=login.credential, address=login.address)
