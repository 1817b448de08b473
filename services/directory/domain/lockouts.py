"""The lockouts in force: what is refused without a check, since when, why, and until when."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator

import msgspec

CLIENT, NETWORK, ACCOUNT = "client", "network", "account"
"""A network at one account, a network at all accounts that do not know it, and an account for networks that it does not
know."""
EXPIRED, NEW_PASSWORD = "expired", "new-password"
"""Why a lockout ended."""
_REMEMBERED = 20_000
NOTED_AT_ONCE = 200
"""Beginnings and ends that are recorded one by one between two writes; the others are counted."""


class Lockout(msgspec.Struct, frozen=True):
    """A lockout; times are in seconds of a clock that never goes back."""

    kind: str
    account: str
    """The lookup key of the account's address; empty for a network at all accounts."""
    network: str
    """An IPv4 address or an IPv6 /64; empty for an account."""
    protocol: str
    """The protocol of the last mistake."""
    mistakes: int
    since: float
    until: float

    @property
    def key(self) -> tuple[str, str, str]:
        """What it holds for."""
        return self.kind, self.account, self.network


class LockoutNotes(msgspec.Struct):
    """What is to be recorded since the last write."""

    begun: list[Lockout]
    ended: list[tuple[Lockout, str]]
    """With the reason."""
    uncounted: int = 0
    """Lockouts that began and are not recorded one by one, because there were too many."""

    def __bool__(self) -> bool:
        return bool(self.begun or self.ended or self.uncounted)


class Lockouts:
    """The lockouts, up to a bound; the oldest is forgotten first, and goes on in the limits."""

    def __init__(self) -> None:
        self._current: OrderedDict[tuple[str, str, str], Lockout] = OrderedDict()
        self._recorded: set[tuple[str, str, str]] = set()
        self._notes = LockoutNotes([], [])

    def __len__(self) -> int:
        return len(self._current)

    def __iter__(self) -> Iterator[Lockout]:
        return iter(self._current.values())

    def in_force(self, now: float) -> list[Lockout]:
        """Those that have not expired, the last one first."""
        return [lockout for lockout in reversed(self._current.values()) if lockout.until > now]

    def begin(self, lockout: Lockout) -> None:
        """Note that a lockout began, or begins anew before its last one was found to have ended."""
        is_known = lockout.key in self._current
        self._keep(lockout)
        if is_known:
            return
        if len(self._notes.begun) >= NOTED_AT_ONCE:
            self._notes.uncounted += 1
            return
        self._notes.begun.append(lockout)
        self._recorded.add(lockout.key)

    def resume(self, lockout: Lockout) -> None:
        """Take up a lockout whose beginning is recorded."""
        self._keep(lockout)
        self._recorded.add(lockout.key)

    def drop(self, lockout: Lockout) -> None:
        """Forget one whose end was recorded."""
        self._current.pop(lockout.key, None)
        self._recorded.discard(lockout.key)
        self._notes.begun = [begun for begun in self._notes.begun if begun.key != lockout.key]

    def end_of_accounts(self, accounts: Collection[str]) -> None:
        """End the lockouts at accounts that have a new password."""
        for lockout in [lockout for lockout in self if lockout.account in accounts]:
            self._end(lockout, NEW_PASSWORD)

    def due(self, now: float) -> LockoutNotes:
        """What is to be recorded now; lockouts that have expired end with it."""
        for lockout in [lockout for lockout in self if lockout.until <= now]:
            self._end(lockout, EXPIRED)
        notes = self._notes
        self._notes = LockoutNotes([], notes.ended[NOTED_AT_ONCE:])
        return LockoutNotes(notes.begun, notes.ended[:NOTED_AT_ONCE], notes.uncounted)

    def _end(self, lockout: Lockout, reason: str) -> None:
        del self._current[lockout.key]
        if lockout.key in self._recorded:
            self._recorded.discard(lockout.key)
            self._notes.ended.append((lockout, reason))

    def _keep(self, lockout: Lockout) -> None:
        self._current.pop(lockout.key, None)
        self._current[lockout.key] = lockout
        if len(self._current) > _REMEMBERED:
            self._end(next(iter(self._current.values())), EXPIRED)
