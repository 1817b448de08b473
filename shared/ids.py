"""Opaque ids: sortable by the time they were made, never reused, and safe in file names, header fields and subjects.

An id has one letter for its kind, nine characters of milliseconds and eleven random characters, in Crockford's base 32
(lower case). Nothing may be read from an id except its kind.

Every store and the bus are divided into shards by one stable hash of a stream's owner (an id, an address or a word).
The hash is the same on every machine and in every release.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b

from shared.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
SHARDS = 16


class IdKind(StrEnum):
    """The kinds of ids, each with its first letter."""

    ACCOUNT = "a"
    ALL_MAIL = "v"
    APP_PASSWORD = "p"  # noqa: S105
    BLOB_GENERATION = "g"
    COMMAND = "c"
    CONTENT = "x"
    DEAD_LETTER = "l"
    DKIM_KEY = "k"
    DOMAIN = "d"
    ENTRY = "e"
    GROUP = "o"
    HELD_POST = "h"
    LIST = "i"
    LIST_MEMBER = "n"
    MAILBOX = "m"
    QUEUE = "q"
    RETURN_PATHS = "r"
    SCRAM_SECRET = "y"  # noqa: S105
    SESSION = "s"
    THREAD = "t"
    USER = "u"


class Ids:
    """Makes ids from a clock and a source of randomness, both passed in."""

    def __init__(self, clock: Clock, chance: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._chance = chance
        self._prefix_of = (-1, "")

    def new(self, kind: IdKind) -> str:
        """A fresh id of 21 characters."""
        chance = int.from_bytes(self._chance(7), "big") >> 1
        return kind.value + self._moment() + _base32(chance, 11)

    def _moment(self) -> str:
        millisecond = self._clock.now() // 1000
        if self._prefix_of[0] != millisecond:
            self._prefix_of = (millisecond, _base32(millisecond, 9))
        return self._prefix_of[1]


def _base32(number: int, width: int) -> str:
    """The lowest bits of a number as so many characters, the most significant first."""
    digits = []
    for _ in range((width + 1) // 2):
        digits.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(reversed(digits))[-width:]


def shard_of(owner: str) -> int:
    """The shard (0 to 15) of a stream's owner.

    It must never change for an owner, or its events would be split between two shards.
    """
    return blake2b(owner.encode(), digest_size=1).digest()[0] % SHARDS
