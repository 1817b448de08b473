"""Remembers verified log-ins in memory, so that the next command of a client costs microseconds and not 20 ms.

It keeps keyed hashes, under a key of this process, which also cover the stored hash of the password; so a changed
password has another key.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from shared.events.directory import UserPasswordChanged, UserRemoved, UserSwitched
from shared.events.groups import GroupLeft
from shared.eventstore.event import Event

_FINGERPRINT_OCTETS = 8
_NEVER = 0.0, ""


class VerifiedLogins:
    """A bounded set of keys, each kept for a limited time."""

    def __init__(self, seconds: float, limit: int, seconds_elsewhere: float = 0.0) -> None:
        """`seconds_elsewhere` holds for passwords that are checked elsewhere, where nobody tells us of a new one."""
        self._seconds = seconds
        self._seconds_elsewhere = seconds_elsewhere
        self._limit = limit
        self._secret = os.urandom(32)
        self._until: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def key(self, account: str, stored: str, password: str) -> bytes:
        """The key of a log-in."""
        digest = blake2b(key=self._secret, digest_size=32)
        for part in (account, stored, password):
            octets = part.encode()
            digest.update(len(octets).to_bytes(4, "big") + octets)
        return digest.digest()

    def fingerprint(self, account: str, password: str) -> int:
        """The fingerprint of a password at an account: equal for equal passwords, and it reveals nothing else."""
        return int.from_bytes(self.key(account, "", password)[:_FINGERPRINT_OCTETS], "big")

    def holds(self, key: bytes, now: float) -> bool:
        """Whether this log-in was verified recently."""
        return self._until.get(key, _NEVER)[0] > now

    def add(self, key: bytes, now: float, user: str, *, is_elsewhere: bool = False) -> None:
        """Remember a log-in of a user, by id; `is_elsewhere`: the password was checked in a directory elsewhere."""
        seconds = self._seconds_elsewhere if is_elsewhere else self._seconds
        if not seconds:
            return
        self._until[key] = now + seconds, user
        if len(self._until) > self._limit:
            self._until.popitem(last=False)

    def forget(self, users: set[str]) -> None:
        """Forget the log-ins of users."""
        for key in [key for key, (_, user) in self._until.items() if user in users] if users else ():
            del self._until[key]


def changed_users(events: Iterable[Event]) -> set[str]:
    """The users, by id, whose log-ins are checked anew after these events.

    What an account opens is read at each log-in. But a new password elsewhere changes no stored credential, and what a
    user loses and gets back is worth a check of the password.
    """
    users: set[str] = set()
    for event in events:
        match event:
            case UserPasswordChanged() | UserSwitched() | UserRemoved():
                users.add(event.id)
            case GroupLeft():
                users.add(event.user)
            case _:
                pass
    return users
