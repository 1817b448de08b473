"""Limits the number of sessions of an account."""

from __future__ import annotations

from collections import Counter


class Admission:
    """Counts the sessions of a protocol, of which an account may have `most`.

    After every `admit_account` that returns True, `release_account` must follow once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._accounts: Counter[str] = Counter()

    @property
    def sessions(self) -> int:
        """Connections that are logged in."""
        return self._accounts.total()

    def admit_account(self, account: str) -> bool:
        """Whether another session of this account is admitted."""
        if self._accounts[account] >= self._most:
            return False
        self._accounts[account] += 1
        return True

    def release_account(self, account: str) -> None:
        """Note that a session has ended."""
        self._accounts[account] -= 1
        if self._accounts[account] <= 0:
            del self._accounts[account]
