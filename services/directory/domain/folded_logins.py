"""Log-ins folded before they become events: one event for the first, one an hour for its repeats, never a flush to disk
for each.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.events.directory import LoginRefused, LoginSucceeded

REPEAT_SECONDS = 3600.0
_LIMIT, _REFUSALS_LIMIT = 10_000, 1000
"""Different ones between two times of writing."""
_REMEMBERED = 20_000
"""Of those written within the hour."""


class FoldedLogin(msgspec.Struct, frozen=True):
    """What makes log-ins alike. `reason` is empty for those that succeeded; `login` is an address, never other text
    that was typed.
    """

    user: str
    account: str
    login: str
    protocol: str
    address: str
    reason: str = ""

    def event(self, count: int) -> LoginSucceeded | LoginRefused:
        """The event of so many of them."""
        if self.reason:
            return LoginRefused(self.login, self.protocol, self.address, self.reason, count)
        return LoginSucceeded(self.user, self.account, self.protocol, count)


class FoldedLogins:
    """Counts log-ins between the times they are written down. Bounded: above the limit, refusals are counted without
    their address.
    """

    def __init__(self) -> None:
        self._counts: dict[FoldedLogin, int] = {}
        self._written: dict[FoldedLogin, float] = {}

    def note(self, login: FoldedLogin) -> None:
        """One more."""
        if login not in self._counts and len(self._counts) >= (_REFUSALS_LIMIT if login.reason else _LIMIT):
            login = FoldedLogin("", "", "", login.protocol, "", login.reason)
        self._counts[login] = self._counts.get(login, 0) + 1

    def due(self, now: float, *, everything: bool = False) -> Iterator[tuple[FoldedLogin, int]]:
        """What is to be written now; `everything`: at a stop."""
        self._written = {login: at for login, at in self._written.items() if now - at < REPEAT_SECONDS}
        for login in [login for login in self._counts if everything or login not in self._written]:
            yield login, self._counts.pop(login)
            if len(self._written) < _REMEMBERED:
                self._written[login] = now
