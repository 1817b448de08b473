"""Remembers the wrong secrets by a key, such as a network: each counts once, for a time, and in a bounded memory.

Keys that have reached their limit are kept apart from the others, so that a flood of new keys does not free them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

import msgspec

K = TypeVar("K", bound=Hashable)


class MistakesOfKey(msgspec.Struct):
    """The wrong secrets of a key: how often each was given, by its keyed hash."""

    secrets: dict[int, int]
    until: float
    former: int = 0
    """Mistakes that were counted before the process began, whose secrets are not known any more."""

    @property
    def count(self) -> int:
        """The number of different secrets."""
        return len(self.secrets) + self.former


class Mistakes(Generic[K]):
    """Mistakes by a key; every new one restarts the time for which those of its key are kept."""

    def __init__(self, seconds: float, limit: int, most: int) -> None:
        """`limit`: mistakes after which a key is full. `most`: secrets that are remembered together of the full keys,
        and of the others; the key without a new one for the longest time is forgotten first."""
        self._seconds = seconds
        self._limit = limit
        self._others: _Bounded[K] = _Bounded(most)
        self._full: _Bounded[K] = _Bounded(most)

    def __len__(self) -> int:
        """The number of secrets that are remembered."""
        return self._others.size + self._full.size

    def __iter__(self) -> Iterator[K]:
        """The keys."""
        yield from self._full.kept
        yield from self._others.kept

    def of(self, key: K, now: float) -> int:
        """The number of different wrong secrets of a key."""
        known = self._known(key, now)
        return 0 if known is None else known.count

    def times(self, key: K, secret: int, now: float) -> int:
        """How often this secret was given."""
        known = self._known(key, now)
        return 0 if known is None else known.secrets.get(secret, 0)

    def until(self, key: K, now: float) -> float:
        """When the mistakes of a key are forgotten."""
        known = self._known(key, now)
        return now if known is None else known.until

    def add(self, key: K, secret: int, now: float) -> bool:
        """Note that a wrong secret was given; returns whether the key has become full with it."""
        known = self._known(key, now) or MistakesOfKey({}, 0.0)
        was_full = known.count >= self._limit
        self.forget(key)
        if not was_full or secret in known.secrets:  # a full key needs no further secrets
            known.secrets[secret] = known.secrets.get(secret, 0) + 1
        known.until = now + self._seconds
        self._keep(key, known)
        return known.count >= self._limit and not was_full

    def remove(self, key: K, secrets: int, now: float) -> None:
        """Take a number of mistakes back, the last ones."""
        known = self._known(key, now)
        if known is None:
            return
        self.forget(key)
        for secret in list(known.secrets)[len(known.secrets) - min(secrets, len(known.secrets)) :]:
            del known.secrets[secret]
        if known.count:
            self._keep(key, known)

    def fill(self, key: K, count: int, until: float) -> None:
        """Remember a key that was full before the process began."""
        self.forget(key)
        self._keep(key, MistakesOfKey({}, until, max(count, self._limit)))

    def forget(self, key: K) -> None:
        """Forget the mistakes of a key."""
        self._others.take(key)
        self._full.take(key)

    def _known(self, key: K, now: float) -> MistakesOfKey | None:
        known = self._full.kept.get(key) or self._others.kept.get(key)
        return known if known is not None and known.until > now else None

    def _keep(self, key: K, known: MistakesOfKey) -> None:
        (self._full if known.count >= self._limit else self._others).keep(key, known)


class _Bounded(Generic[K]):
    """The mistakes of keys, the oldest first, with a bound on their secrets together."""

    def __init__(self, most: int) -> None:
        self.kept: OrderedDict[K, MistakesOfKey] = OrderedDict()
        self.size = 0
        self._most = most

    def keep(self, key: K, mistakes: MistakesOfKey) -> None:
        self.kept[key] = mistakes
        self.size += _weight(mistakes)
        while self.size > self._most and len(self.kept) > 1:
            self.take(next(iter(self.kept)))

    def take(self, key: K) -> None:
        taken = self.kept.pop(key, None)
        if taken is not None:
            self.size -= _weight(taken)


def _weight(mistakes: MistakesOfKey) -> int:
    return len(mistakes.secrets) + 1
