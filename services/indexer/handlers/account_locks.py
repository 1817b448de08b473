"""Changes of an account's index happen one at a time."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class AccountLocks:
    """A lock for each account that is being worked on."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, account: str) -> asyncio.Lock:
        """The lock of an account; whoever waits for it keeps it."""
        lock = self._locks.get(account)
        if lock is None:
            lock = self._locks[account] = asyncio.Lock()
        return lock
