"""Answers remembered for as long as they may be used, the least recently used ones forgotten first."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from shared.dns.settings import ResolverSettings
from shared.protocol.dns.question import Answer, Question

FROM_CACHE = "cache"


class AnswerCache:
    """A bounded table of answers. Times are monotonic seconds."""

    __slots__ = ("_entries", "_settings")

    def __init__(self, settings: ResolverSettings) -> None:
        self._settings = settings
        self._entries: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, question: Question, now: float) -> Answer | None:
        """The answer that is still valid."""
        entry = self._entries.get(question)
        if entry is None:
            return None
        if entry[0] <= now:
            del self._entries[question]
            return None
        self._entries.move_to_end(question)
        return entry[1]

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
        self._entries[question] = (now + ttl, kept)
        self._entries.move_to_end(question)
        if len(self._entries) > self._settings.cache_size:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()

    def _lifetime(self, answer: Answer) -> int:
        if answer.status == "ok":
            return min(answer.ttl, self._settings.max_ttl)
        if answer.status == "temperror":
            return self._settings.temperror_ttl
        return min(answer.ttl, self._settings.max_negative_ttl)  # RFC 2308 section 5
