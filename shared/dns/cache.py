"""Answers remembered for as long as they may be used, the least recently used ones forgotten first."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import NamedTuple

import msgspec

from shared.dns.settings import ResolverSettings
from shared.protocol.dns.question import Answer, Question

FROM_CACHE = "cache"
_ENTRY_OCTETS = 420
"""What an entry takes beside its texts: question, answer, and their places in the table. Measured with tracemalloc."""
_PLACE_OCTETS = 8


class _Entry(NamedTuple):
    until: float
    answer: Answer
    octets: int


class AnswerCache:
    """A table of answers, bounded in number and in octets. Times are monotonic seconds."""

    __slots__ = ("_entries", "_settings", "octets")

    def __init__(self, settings: ResolverSettings) -> None:
        self._settings = settings
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self.octets = 0
        """What the answers take in memory."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, question: Question, now: float) -> Answer | None:
        """The answer that is still valid."""
        entry = self._entries.get(question)
        if entry is None:
            return None
        if entry.until <= now:
            self._forget(question)
            return None
        self._entries.move_to_end(question)
        return entry.answer

    def put(self, question: Question, answer: Answer, now: float) -> None:
        """Remember an answer for its time to live, within the caps of the settings; zero is not remembered (RFC 1035
        section 3.2.1).
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
        """Forget everything."""
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
        return min(answer.ttl, self._settings.max_negative_ttl)  # RFC 2308 section 5


def _octets(question: Question, answer: Answer) -> int:
    """What an entry takes in memory: a name server may give 64 KB of text, and a thousand names of 255 octets each."""
    texts = (question.name, answer.canonical_name, answer.source if answer.status == "temperror" else "")
    return (
        _ENTRY_OCTETS
        + sum(sys.getsizeof(text) for text in texts if text)
        + sum(sys.getsizeof(record) + _PLACE_OCTETS for record in answer.records)
    )
