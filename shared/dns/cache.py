"""A cache of answers; each is kept while it is valid, and the least recently used are dropped first."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from shared.dns.settings import ResolverSettings
from shared.protocol.dns.question import Answer, Question

FROM_CACHE = "cache"
_ENTRY_OCTETS = 420
"""Octets of an entry besides its texts: question, answer, and their places in the table; measured with tracemalloc."""
_PLACE_OCTETS = 8


class _Entry(NamedTuple):
    until: float
    answer: Answer
    octets: int


class AnswerCache:
    """A cache with a limit of entries and of octets. Times are monotonic seconds."""

    __slots__ = ("_entries", "_settings", "octets")

    def __init__(self, settings: ResolverSettings) -> None:
        self._settings = settings
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self.octets = 0
        """The octets of memory for the answers."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, question: Question, now: float) -> Answer | None:
        """The cached answer, if it is still valid."""
        entry = self._entries.get(question)
        if entry is None:
            return None
        if entry.until <= now:
            self._forget(question)
            return None
        self._entries.move_to_end(question)
        return entry.answer

    def put(self, question: Question, answer: Answer, now: float) -> None:
        """Cache an answer for its time to live, within the limits of the settings.

        An answer with zero time to live is not cached (RFC 1035 §3.2.1).
        """
        ttl = self._lifetime(answer)
        if ttl <= 0:
            return
        kept = msgspec.structs.replace(
            answer, source=FROM_CACHE if answer.status != "temperror" else f"{FROM_CACHE}: {answer.source}"
        )
        self._forget(question)
        octets = _octets(question, kept)
        self._entries[question] = _Entry(now + ttl, kept, octets)
        self.octets += octets
        while len(self._entries) > self._settings.cache_size or self.octets > self._settings.cache_octets:
            self._forget(next(iter(self._entries)))

    def clear(self) -> None:
        """Remove all answers."""
        self._entries.clear()
        self.octets = 0

    def _forget(self, question: Question) -> None:
        entry = self._entries.pop(question, None)
        if entry is not None:
            self.octets -= entry.octets

    def _lifetime(self, answer: Answer) -> int:
        if answer.status == "ok":
            return min(answer.ttl, self._settings.max_ttl)
        if answer.status == "temperror":
            return self._settings.temperror_ttl
        return min(answer.ttl, self._settings.max_negative_ttl)  # RFC 2308 §5


def _octets(question: Question, answer: Answer) -> int:
    """The octets of memory for an entry; a name server may send 64 KB of text, or a thousand names of 255 octets."""
    texts = (question.name, answer.canonical_name, answer.source if answer.status == "temperror" else "")
    return (
        _ENTRY_OCTETS
        + sum(sys.getsizeof(text) for text in texts if text)
        + sum(sys.getsizeof(record) + _PLACE_OCTETS for record in answer.records)
    )
