"""Which log-ins the directory has revoked, from its events; for services with sessions that outlive a log-in.

A log-in is valid until its account, user or domain is disabled or removed, the user gets another password or leaves the
group that owns the account, or the app password with which it was made is removed or expires; one of POP3 also until
the account is switched off for it. Enabling again does not restore old log-ins; clients must log in anew.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from shared.clock import doubled
from shared.events import credentials
from shared.events import directory as directory_events
from shared.events.groups import GroupLeft
from shared.events.pop3 import AccountPop3Changed
from shared.eventstore.event import Event


class Ending(StrEnum):
    """The reason for which a log-in ends, as a sentence for the client."""

    CHANGED = "The password was changed; log in again"
    DISABLED = "This account was switched off"
    REMOVED = "This account was removed"
    LEFT = "You are no longer a member of the group of this account"
    WITHDRAWN = "This app password was removed"
    EXPIRED = "This app password has expired"
    SEND_ONLY = "This application may only send now"
    PROTOCOL_OFF = "This account may not be read with this protocol any more"
    UNKNOWN = "The server was restored; log in again"


class LogIn(msgspec.Struct, frozen=True):
    """The ids of a log-in, and the position in the directory's log at which it was allowed."""

    account: str
    user: str
    domain: str
    as_of: int
    credential: str = ""
    """The id of the app password; empty for other passwords."""
    group: str = ""
    """The group that owns the account, if it is not a user's own."""
    protocol: str = ""
    """The protocol, where accounts have a switch for it."""


class EndedLogIns:
    """Remembers the last revocation for each account, user and domain. Events must be applied in order."""

    def __init__(self) -> None:
        self._endings: dict[str, tuple[int, Ending]] = {}

    def apply(self, event: Event, position: int) -> bool:
        """Apply one event; returns whether it revoked log-ins. Other events are ignored."""
        ending = _ending(event)
        if ending is not None:
            identity, kind = ending
            self._endings[identity] = position, kind
        return ending is not None

    def ending_of(self, log_in: LogIn) -> Ending | None:
        """The reason for which this log-in has ended; None while it is valid.

        Events before the position of the log-in do not count, because the directory knew them.
        """
        membership = _membership(log_in.group, log_in.user)
        switch = _switch(log_in.account, log_in.protocol)
        for identity in (log_in.account, log_in.user, log_in.domain, log_in.credential, membership, switch):
            position, ending = self._endings.get(identity, (0, None))
            if position > log_in.as_of:
                return ending
        return None


class RefusedLogIns:
    """Delays the refused log-ins of one connection, and ends it after a number of them."""

    def __init__(self, most: int, first_delay: float, longest_delay: float) -> None:
        self._left = most
        self._first_delay = first_delay
        self._longest_delay = longest_delay

    def delay(self, refusals: int) -> float:
        """Seconds by which the reply to a wrong password is delayed: doubled with each recent one of the client.

        `refusals` counts those of all its connections, this one included.
        """
        return doubled(self._first_delay, max(refusals - 1, 0), self._longest_delay)

    def add(self) -> bool:
        """Count a refusal; returns whether the connection ends with it."""
        self._left -= 1
        return self._left <= 0


def _membership(group: str, user: str) -> str:
    return f"{group}/{user}"


def _switch(account: str, protocol: str) -> str:
    return f"{account} {protocol}"


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
        case GroupLeft():
            return _membership(event.id, event.user), Ending.LEFT
        case AccountPop3Changed(value="off"):
            return _switch(event.id, "pop3"), Ending.PROTOCOL_OFF
        case credentials.AppPasswordRemoved():
            return event.id, Ending.WITHDRAWN
        case credentials.AppPasswordExpired():
            return event.id, Ending.EXPIRED
        case _:
            return _ending_of_application(event)


def _ending_of_application(event: Event) -> tuple[str, Ending] | None:
    match event:
        case credentials.ApplicationPasswordChanged():
            return event.id, Ending.CHANGED
        case credentials.ApplicationRemoved():
            return event.id, Ending.REMOVED
        case credentials.ApplicationSwitched(disabled=True):
            return event.id, Ending.DISABLED
        case credentials.ApplicationReceivingSwitched(receives=False):
            return event.id, Ending.SEND_ONLY
        case _:
            return None
