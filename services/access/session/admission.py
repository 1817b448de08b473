"""How many connections there may be: in all, of one client address, of one account."""

from __future__ import annotations

from collections import Counter

from services.access.settings import AccessSettings


class Admission:
    """Counts; every `admit` that says True is followed by one `release` of the same name."""

    def __init__(self, settings: AccessSettings) -> None:
        self._settings = settings
        self._addresses: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()
        self.connections = 0

    @property
    def sessions(self) -> int:
        """Connections that are logged in."""
        return self._accounts.total()

    def admit_address(self, address: str) -> bool:
        """Whether one more connection of this address is taken."""
        if (
            self.connections >= self._settings.max_connections
            or self._addresses[address] >= self._settings.max_connections_per_address
        ):
            return False
        self.connections += 1
        self._addresses[address] += 1
        return True

    def release_address(self, address: str) -> None:
        """A connection has ended."""
        self.connections -= 1
        _less(self._addresses, address)

    def admit_account(self, account: str) -> bool:
        """Whether one more session of this account is taken."""
        if self._accounts[account] >= self._settings.max_connections_per_account:
            return False
        self._accounts[account] += 1
        return True

    def release_account(self, account: str) -> None:
        """A session has ended."""
        _less(self._accounts, account)


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
