"""The life of a mail, from facts alone: its reception, verdict, plan and hand-overs, the lessons about it, and what
became of its copies.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.eventlog.adapters.facts import Stored, by_ids
from services.eventlog.adapters.key_index import Span, found_by
from services.eventlog.domain.keys import LIFE, MAIL, bare, key_of
from services.eventlog.domain.life import Landing, Place, happened, landings
from services.eventlog.domain.log_id import LAST
from services.eventlog.domain.names import names_of
from shared.eventstore.connection import Reader
from shared.protocol.smtp.reference import as_typed

_LESSONS = "lesson."
_CHUNK = 200


class Trace:
    """One mail, refusal or message, followed through the log."""

    def __init__(self, reader: Reader, identity: str, max_traced: int, max_followed: int) -> None:
        self._reader = reader
        self._sought = {text for text in (identity.strip(), bare(identity), as_typed(identity)) if text}
        self._max_traced = max_traced
        self._budget = max_followed
        self._found: dict[int, Stored] = {}

    def facts(self) -> list[Stored]:
        """Everything that is known, oldest first; nothing when nobody has heard of it."""
        named = self._named(self._sought)
        queue_ids = {queue_id for fact in named for queue_id in self._queue_ids(fact)}
        self._keep(named)
        self._keep(self._named(queue_ids))
        for landing, since in self._landings(queue_ids):
            self._keep(self._lessons(landing))
            self._follow(landing.place, since)
        return sorted(self._found.values(), key=lambda fact: (fact.at, fact.id))

    def _named(self, texts: set[str]) -> list[Stored]:
        if not texts:
            return []
        return self._by_keys({key_of(MAIL, text) for text in texts})

    def _by_keys(self, keys: set[int]) -> list[Stored]:
        ids = found_by(self._reader, keys)
        return by_ids(self._reader, [log_id for log_id, _ in zip(ids, range(self._max_traced), strict=False)])

    def _keep(self, facts: list[Stored]) -> None:
        for fact in facts:
            if len(self._found) < self._max_traced:
                self._found[fact.id] = fact

    def _queue_ids(self, fact: Stored) -> Iterator[str]:
        """The mails that a fact is about. What a fact is correlated with counts only where it names none itself."""
        queue_id = names_of(fact.type, fact.data).queue_id
        if queue_id:
            yield queue_id
        elif fact.correlation in self._sought:
            yield fact.correlation

    def _landings(self, queue_ids: set[str]) -> list[tuple[Landing, int]]:
        """Where copies of the mail came to lie, and since which fact."""
        found = []
        for fact in list(self._found.values()):
            delivered = names_of(fact.type, fact.data).queue_id in queue_ids
            found += [
                (landing, fact.id)
                for landing in landings(fact.type, fact.data)
                if delivered or self._is_sought(landing)
            ]
        return found

    def _is_sought(self, landing: Landing) -> bool:
        return bool({landing.entry, landing.content, bare(landing.message_id)} & self._sought)

    def _lessons(self, landing: Landing) -> list[Stored]:
        return [
            fact
            for fact in self._named({text for text in (landing.content, landing.entry) if text})
            if fact.type.startswith(_LESSONS)
        ]

    def _follow(self, place: Place, since: int) -> None:
        """Keep what happened to the message at a place, and at every place it reached from there."""
        waiting, seen = [(place, since)], {place}
        while waiting:
            place, since = waiting.pop()
            for fact in self._in_mailbox(place.mailbox, since):
                step = happened(fact.type, fact.data, place)
                if step is None:
                    continue
                self._keep([fact])
                if step.reached is not None and step.reached not in seen:
                    seen.add(step.reached)
                    waiting.append((step.reached, fact.id))
                if step.left:
                    break

    def _in_mailbox(self, mailbox: str, since: int) -> Iterator[Stored]:
        ids = found_by(self._reader, {key_of(LIFE, mailbox)}, Span(since + 1, LAST))
        chunk: list[int] = []
        for log_id in ids:
            chunk.append(log_id)
            if len(chunk) == _CHUNK:
                yield from self._spend(chunk)
                chunk = []
        yield from self._spend(chunk)

    def _spend(self, ids: list[int]) -> list[Stored]:
        ids = ids[: max(0, self._budget)]
        self._budget -= len(ids)
        return by_ids(self._reader, ids)
