"""Which log-ins the directory has taken back: the fold of its events, for services whose sessions live longer than a
question.

A log-in stands until somebody disables or removes its account, user or domain, or gives the user another password. What
was enabled again lets nobody back who was sent away: they log in anew.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.events import directory as directory_events
from shared.eventstore.event import Event


class Ending(StrEnum):
    """Why a log-in ends, as its client is told."""

    CHANGED = "The password was changed; log in again"
    DISABLED = "This account was switched off"
    REMOVED = "This account was removed"
    UNKNOWN = "The server was restored; log in again"


class LogIn(msgspec.Struct, frozen=True):
    """Whom the directory let in, by ids, and as of which position of its events it did."""

    account: str
    user: str
    domain: str
    as_of: int


class EndedLogIns:
    """Remembers the last ending of each account, user and domain. Give it the directory's events in order."""

    def __init__(self) -> None:
        self._endings: dict[str, tuple[int, Ending]] = {}

    def apply(self, event: Event, position: int) -> bool:
        """Fold one event; whether it ended log-ins. Events that do not concern log-ins are passed over."""
        ending = _ending(event)
        if ending is not None:
            identity, kind = ending
            self._endings[identity] = position, kind
        return ending is not None

    def ending_of(self, log_in: LogIn) -> Ending | None:
        """Why this log-in has ended; None while it stands. Events that the directory knew when it let the client in do
        not count.
        """
        for identity in (log_in.account, log_in.user, log_in.domain):
            position, ending = self._endings.get(identity, (0, None))
            if position > log_in.as_of:
                return ending
        return None


def refusal_delay(refusals: int, first: float, longest: float) -> float:
    """Seconds that the answer to a wrong password is held back: twice as long for each that the client tried lately."""
    return min(first * 2.0 ** min(max(refusals - 1, 0), 30), longest)


def _ending(event: Event) -> tuple[str, Ending] | None:
    match event:
        case directory_events.UserPasswordChanged():
            return event.id, Ending.CHANGED
        case directory_events.AccountRemoved() | directory_events.UserRemoved() | directory_events.DomainRemoved():
            return event.id, Ending.REMOVED
        case (
            directory_events.AccountChanged(disabled=True)
            | directory_events.UserSwitched(disabled=True)
            | directory_events.DomainChanged(disabled=True)
        ):
            return event.id, Ending.DISABLED
        case _:
            return None
