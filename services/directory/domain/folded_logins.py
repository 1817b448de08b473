"""Folds log-ins before they become events.

The first of equal log-ins becomes an event; its repeats become one event an hour, so that a log-in never waits for the
disk.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from shared.events.directory import LoginRefused, LoginSucceeded

REPEAT_SECONDS = 3600.0
_LIMIT, _REFUSALS_LIMIT = 10_000, 1000
"""Distinct log-ins that are counted between two writes."""
_REMEMBERED = 20_000
"""Distinct log-ins remembered as written within the hour."""


class FoldedLogin(msgspec.Struct, frozen=True):
    """The properties in which log-ins must agree to be counted together.

    `reason` is empty for successful log-ins. `login` is an address, never other text that a client sent.
    """

    user: str
    account: str
    login: str
    protocol: str
    address: str
    reason: str = ""
    credential: str = ""
    """The id of the app password; empty for other passwords."""

    def event(self, count: int) -> LoginSucceeded | LoginRefused:
        """The event for `count` equal log-ins."""
        if self.reason:
            return LoginRefused(self.login, self.protocol, self.address, self.reason, count)
        return LoginSucceeded(self.user, self.account, self.protocol, count)


class FoldedLogins:
    """Counts log-ins between two writes.

    It is bounded: above the limit, refused log-ins are counted without their address.
    """

    def __init__(self) -> None:
        self._counts: dict[FoldedLogin, int] = {}
        self._written: dict[FoldedLogin, float] = {}

    def note(self, login: FoldedLogin) -> None:
        """Count a log-in."""
        if login not in self._counts and len(self._counts) >= (_REFUSALS_LIMIT if login.reason else _LIMIT):
            login = FoldedLogin("", "", "", login.protocol, "", login.reason)
        self._counts[login] = self._counts.get(login, 0) + 1

    def due(self, now: float, *, everything: bool = False) -> Iterator[tuple[FoldedLogin, int]]:
        """Remove and return the log-ins to be written now; with `everything` (at a stop) all of them."""
        self._written = {login: at for login, at in self._written.items() if now - at < REPEAT_SECONDS}
        for login in [login for login in self._counts if everything or login not in self._written]:
            yield login, self._counts.pop(login)
            if len(self._written) < _REMEMBERED:
                self._written[login] = now
