"""Log-ins verified a while ago, in memory: the next command of the same client costs microseconds and not 20
milliseconds.

What is kept is a keyed hash under a key of this process, over the stored hash too: a changed password is another key.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from hashlib import blake2b

_FINGERPRINT_OCTETS = 8


class VerifiedLogins:
    """A bounded set of keys, each for a while."""

    def __init__(self, seconds: float, limit: int) -> None:
        self._seconds = seconds
        self._limit = limit
        self._secret = os.urandom(32)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def key(self, account: str, stored: str, password: str) -> bytes:
        """What a log-in is remembered by."""
        digest = blake2b(key=self._secret, digest_size=32)
        for part in (account, stored, password):
            octets = part.encode()
            digest.update(len(octets).to_bytes(4, "big") + octets)
        return digest.digest()

    def fingerprint(self, account: str, password: str) -> int:
        """The same for the same password at the same account, and nothing else is known by it."""
        return int.from_bytes(self.key(account, "", password)[:_FINGERPRINT_OCTETS], "big")

    def holds(self, key: bytes, now: float) -> bool:
        """Whether this log-in was verified lately."""
        return self._until.get(key, 0.0) > now

    def add(self, key: bytes, now: float) -> None:
        """Remember it."""
        if not self._seconds:
            return
        self._until[key] = now + self._seconds
        if len(self._until) > self._limit:
            self._until.popitem(last=False)
