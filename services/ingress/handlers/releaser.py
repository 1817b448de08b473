"""Releases waiting submissions when their time has come, a batch at a time.

The directory is asked whether their accounts are in use. Mail of a disabled or archived account is suspended: it waits
until the account is in use again, or the operator cancels it. Mail of an account that was deleted is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from typing import Protocol

from services.ingress.handlers.repeater import Repeater
from services.ingress.handlers.waiting import WaitingSubmissions
from shared.background import BackgroundTask, woken_within
from shared.clock import Clock
from shared.eventstore.connection import StoreUnavailable
from shared.eventstore.event import Actor, Provenance
from shared.grpc.errors import ServiceError

_BATCH = 100
"""Mails that one commit releases."""
_LOOK_SECONDS = 30.0
"""Longest pause between two looks at the table, because the clock may be set."""
_STALLED_SECONDS = 120.0
_LONGEST_PAUSE = 1.0
_NEVER = 1 << 62
_DELETED = "the account was deleted"
_BY_ITSELF = Provenance(Actor("service", "ingress"))
_SECOND = 1_000_000


class AccountStates(Protocol):
    """The directory, as far as the releaser needs it."""

    async def states_of(self, accounts: Sequence[str]) -> tuple[Set[str], Set[str]]:
        """The accounts that are off (disabled or archived), and those that are gone. Raises ServiceError."""


class Releaser:
    """The releaser of a process.

    The release is committed before anything is published. A process that dies in between publishes the mail after its
    next start, like every reception that is on its way.
    """

    def __init__(self, waiting: WaitingSubmissions, repeater: Repeater, clock: Clock, accounts: AccountStates) -> None:
        self._waiting = waiting
        self._accounts = accounts
        self._repeater = repeater
        self._clock = clock
        self._next = _NEVER
        self._look_at = 0.0
        """When suspended mail is looked at again, in seconds of the monotonic clock."""
        self._earlier = asyncio.Event()
        self._task = BackgroundTask(
            "ingress",
            "releaser",
            self._release_due,
            longest=_STALLED_SECONDS,
            not_now=(StoreUnavailable, ServiceError),
            longest_pause=_LONGEST_PAUSE,
        )

    def start(self) -> None:
        """Begin with what became due while no process ran."""
        self._task.start()

    async def stop(self) -> None:
        """Release nothing more; the rest is released after the next start."""
        await self._task.stop()

    def accepted(self, release_at: int) -> None:
        """Note a new waiting submission and its time of release (UTC microseconds)."""
        if release_at < self._next:
            self._earlier.set()

    async def release(self, queue_ids: Sequence[str], provenance: Provenance = _BY_ITSELF) -> list[str]:
        """Release those that still wait and whose accounts are in use, and publish them; returns them.

        Raises StoreUnavailable, and ServiceError when the directory does not answer.
        """
        ready = await self._ready(queue_ids)
        try:
            released = await self._waiting.release(ready, provenance)
        except StoreUnavailable as error:
            if error.in_doubt:  # they may be released all the same; a round publishes those that are
                self._repeater.look()
            raise
        for queue_id in released:
            self._repeater.begin(queue_id)
        return released

    def account_switched(self) -> None:
        """Look again whether accounts with suspended mail are in use."""
        self._look_at = 0.0
        self._earlier.set()

    async def _ready(self, queue_ids: Sequence[str]) -> list[str]:
        """The mails whose accounts are in use. The others are suspended or cancelled."""
        accounts = await self._waiting.accounts_of(queue_ids)
        off, gone = await self._accounts.states_of(sorted(set(accounts.values()) - {""}))
        suspended = {queue_id: account for queue_id, account in accounts.items() if account in off}
        if suspended:
            await self._waiting.suspend(suspended, _BY_ITSELF)
        lost = [queue_id for queue_id, account in accounts.items() if account in gone]
        if lost:
            await self._waiting.cancel(lost, _DELETED, _BY_ITSELF)
        return [queue_id for queue_id, account in accounts.items() if account not in off and account not in gone]

    async def _resume(self) -> None:
        """Resume the mail of accounts that are in use again; that of deleted accounts is cancelled when it is due."""
        after = ""
        while accounts := await self._waiting.suspended_accounts(after, _BATCH):
            off, _gone = await self._accounts.states_of(accounts)
            for account in accounts:
                while account not in off and await self._waiting.resume(account, _BATCH, _BY_ITSELF):
                    self._task.advanced()
            after = accounts[-1]

    async def _release_due(self) -> None:
        """Release a batch, or wait for the next mail."""
        self._earlier.clear()
        if self._clock.monotonic() >= self._look_at:
            self._look_at = self._clock.monotonic() + _LOOK_SECONDS
            await self._resume()
        self._next = _NEVER  # while the table is read, every new mail wakes the task
        soonest = await self._waiting.soonest(_BATCH)
        now = self._clock.now()
        if due := [queue_id for queue_id, release_at in soonest if release_at <= now]:
            await self.release(due)
            return
        pause = _LOOK_SECONDS
        if soonest:
            self._next = soonest[0][1]
            pause = min(pause, (self._next - now) / _SECOND)
        await woken_within(self._earlier, pause)
